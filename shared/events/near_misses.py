"""Fields that are nearly a known one, such as `publishAt` and `late_polcy`: to ignore them would drop a wish."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, JsonValue

_LIKENESS = 0.8
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


def near_misses(body: JsonValue, model: type[BaseModel]) -> list[str]:
    """`late_polcy: no such field; do you mean late_policy?`, for each such field of a body, however deep it is."""
    return list(_found(body, model, ""))


def _found(value: JsonValue, model: type[BaseModel], place: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _found(item, model, f"{place}[{index}]")
    if not isinstance(value, dict):
        return
    inner = _inner_models(model)
    for name, part in value.items():
        here = f"{place}.{name}" if place else name
        if name in inner:
            for part_model in inner[name]:
                yield from _found(part, part_model, here)
        elif meant := _meant(name, model):
            yield f"{here}: no such field; do you mean {meant}?"


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


def _meant(name: str, model: type[BaseModel]) -> str | None:
    known = {_compact(field): field for field in _inner_models(model)}
    near = get_close_matches(_compact(name), known, n=1, cutoff=_LIKENESS)
    return known[near[0]] if near else None


def _compact(name: str) -> str:
    return _BETWEEN_WORDS.sub("", name).casefold()
