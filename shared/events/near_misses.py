"""Fields that are nearly a known one, such as `publishAt` and `late_polcy`, or a level too high, such as `options`
beside `targets`, or one more of a family, such as `per_hour` beside `per_day`: what they ask for must not be lost."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from itertools import islice
from typing import Any, get_args, get_origin

from pydantic import BaseModel, JsonValue

MOST_LOOKED_AT = 100
"""Of more unknown fields in one body the others are ignored: to look at each takes time."""
MOST_TOLD = 3
_LIKENESS = 0.8
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


def near_misses(body: JsonValue, model: type[BaseModel]) -> list[str]:
    """`late_polcy: no such field; do you mean late_policy?`, for each such field of a body, however deep it is."""
    unknown = islice(_unknown(body, model, ""), MOST_LOOKED_AT)
    return [
        f"{place}: no such field; do you mean {meant}?" for place, name, of in unknown if (meant := _meant(name, of))
    ]


def unknown_fields(body: Mapping[str, JsonValue], model: type[BaseModel]) -> list[str]:
    """`filter: no such field; there are act, state`, for each field of a body that its model does not know."""
    known = _inner_models(model)
    return [f"{name}: no such field; there are {', '.join(known)}" for name in body if name not in known]


def misspelt_in(body: JsonValue, model: type[BaseModel]) -> str | None:
    """The first few of them in one line, None where there are none."""
    return "; ".join(near_misses(body, model)[:MOST_TOLD]) or None


def _unknown(value: JsonValue, model: type[BaseModel], place: str) -> Iterator[tuple[str, str, type[BaseModel]]]:
    """Each field that its model does not know, with its place."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, model, f"{place}[{index}]")
    if not isinstance(value, dict):
        return
    inner = _inner_models(model)
    for name, part in value.items():
        here = f"{place}.{name}" if place else name
        if name in inner:
            for part_model in inner[name]:
                yield from _unknown(part, part_model, here)
        else:
            yield here, name, model


@cache
def _inner_models(model: type[BaseModel]) -> Mapping[str, tuple[type[BaseModel], ...]]:
    """The models in each field of a model, by the name it has on the wire."""
    return {
        field.alias or name: tuple(_models_in(field.annotation, *field.metadata))
        for name, field in model.model_fields.items()
    }


def _models_in(*annotations: Any) -> Iterator[type[BaseModel]]:
    for annotation in annotations:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        else:
            yield from _models_in(*get_args(annotation))


@lru_cache(maxsize=1000)
def _meant(name: str, model: type[BaseModel]) -> str | None:
    known = {_compact(field): field for field in _inner_models(model)}
    near = get_close_matches(_compact(name), known, n=1, cutoff=_LIKENESS)
    return known[near[0]] if near else _further_in(model).get(_compact(name)) or _family_of(name, model)


def _family_of(name: str, model: type[BaseModel]) -> str | None:
    """Every field of a model, where they all begin with the same word and so does the name."""
    fields = list(_inner_models(model))
    first = fields[0].partition("_")[0] if len(fields) > 1 else ""
    is_family = all(one.partition("_")[0] == first for one in [*fields, name])
    return f"{', '.join(fields[:-1])} or {fields[-1]}" if is_family else None


@cache
def _further_in(model: type[BaseModel]) -> Mapping[str, str]:
    """The fields of what a model must have a list of, such as a post its targets: `targets[].options`."""
    lists = [
        (name, part)
        for name, field in model.model_fields.items()
        if field.is_required() and get_origin(field.annotation) is tuple
        for part in _models_in(field.annotation, *field.metadata)
    ]
    return {_compact(inner): f"{name}[].{inner}" for name, part in lists for inner in part.model_fields}


def _compact(name: str) -> str:
    return _BETWEEN_WORDS.sub("", name).casefold()
