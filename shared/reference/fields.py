"""A JSON Schema as a table: one row for each field, those of nested objects under their paths."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

_MOST_CHOICES = 12
_BOUNDS = (
    ("minimum", "from {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "up to {}"),
    ("maxLength", "up to {:,} characters"),
    ("minItems", "at least {}"),
    ("maxItems", "up to {}"),
)
_PLURALS = {"object": "objects", "text": "texts", "instant": "instants", "whole number": "whole numbers"}


@dataclass(frozen=True, slots=True)
class Field:
    """One row: `targets[].account_id`, what it holds, whether it must be there, and what it means."""

    path: str
    holds: str
    is_required: bool
    meaning: str


def fields_of(schema: Schema, schemas: Mapping[str, Schema]) -> Iterator[Field]:
    """Every field of an object; `schemas` are those that it refers to, by the last part of the reference."""
    yield from _fields(schema, schemas, "", ())


def field_of(path: str, schema: Schema, schemas: Mapping[str, Schema], *, is_required: bool) -> Field:
    """The row of one field."""
    return Field(path, _holds(schema, schemas), is_required, str(schema.get("description", "")))


def _fields(schema: Schema, schemas: Mapping[str, Schema], place: str, outer: Sequence[str]) -> Iterator[Field]:
    for one in _alternatives(schema, schemas):
        name = str(one.get("title", ""))
        if name and name in outer:
            continue
        if "items" in one:
            yield from _fields(one["items"], schemas, f"{place}[]", outer)
        for field, part in one.get("properties", {}).items():
            path = f"{place}.{field}" if place else field
            yield field_of(path, part, schemas, is_required=field in one.get("required", ()))
            yield from _fields(part, schemas, path, (*outer, name))


def _alternatives(schema: Schema, schemas: Mapping[str, Schema]) -> list[Schema]:
    """What the schema allows, references followed, without null: what is absent stays absent."""
    if reference := schema.get("$ref"):
        return _alternatives(schemas.get(reference.rpartition("/")[2], {}), schemas)
    for keyword in ("anyOf", "oneOf", "allOf"):
        if keyword in schema:
            return [one for choice in schema[keyword] for one in _alternatives(choice, schemas)]
    return [] if schema.get("type") == "null" else [schema]


def _holds(schema: Schema, schemas: Mapping[str, Schema]) -> str:
    told = dict.fromkeys(_one_holds(one, schemas) for one in _alternatives(schema, schemas))
    default = schema.get("default")
    usual = f"; usually `{json.dumps(default)}`" if default not in (None, [], {}) and _is_plain(default) else ""
    return " or ".join(told) + usual


def _one_holds(schema: Schema, schemas: Mapping[str, Schema]) -> str:
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if choices := schema.get("enum"):
        return " or ".join(f"`{choice}`" for choice in choices[:_MOST_CHOICES])
    return _kind(schema, schemas) + "".join(f", {bound}" for bound in _bounds(schema))


def _kind(schema: Schema, schemas: Mapping[str, Schema]) -> str:
    kind = str(schema.get("type", "any JSON"))
    if kind == "array":
        return f"list of {_several(schema.get('items', {}), schemas)}"
    if kind == "string":
        return {"date-time": "instant", "uuid": "UUID"}.get(schema.get("format", ""), "text")
    return {"boolean": "true or false", "integer": "whole number"}.get(kind, kind)


def _several(items: Schema, schemas: Mapping[str, Schema]) -> str:
    """`texts (up to 200 characters)` for the items of a list."""
    one, _, bounds = _holds(items, schemas).partition(", ")
    return _PLURALS.get(one, one) + (f" ({bounds})" if bounds else "")


def _bounds(schema: Schema) -> Iterator[str]:
    for keyword, words in _BOUNDS:
        if schema.get(keyword) or (keyword == "exclusiveMinimum" and keyword in schema):
            yield words.format(schema[keyword])


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float)


def as_table(fields: Sequence[Field]) -> str:
    """The rows as a Markdown table; `?` marks what may be left out."""
    if not fields:
        return "No fields.\n"
    lines = ["| field | holds | meaning |", "|---|---|---|"]
    for field in fields:
        optional = "" if field.is_required else "?"
        lines.append(f"| `{field.path}`{optional} | {_cell(field.holds)} | {_cell(field.meaning)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
