"""The JSON Schema of an event as other systems rely on it, and what between two of them breaks that reliance."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from shared.events import Event

Schema = Mapping[str, Any]

_AT_MOST = ("maxLength", "maxItems", "maximum", "exclusiveMaximum")
_AT_LEAST = ("minLength", "minItems", "minimum", "exclusiveMinimum")


def schema_of(event: type[Event]) -> Schema:
    """What the event looks like on the wire, without the prose that may change at any time."""
    schema = _without_prose(event.model_json_schema())
    assert isinstance(schema, dict)
    return schema


def as_file(schema: Schema) -> str:
    """The schema as text that only changes with its meaning."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _without_prose(schema: object) -> object:
    if isinstance(schema, list):
        return [_without_prose(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        keyword: {name: _without_prose(part) for name, part in value.items()}
        if keyword in ("properties", "$defs")
        else _without_prose(value)
        for keyword, value in schema.items()
        if keyword not in ("title", "description")
    }


def breaking_changes(approved: Schema, current: Schema) -> list[str]:
    """What a sender or a reader that knows only the approved schema would stumble over; empty where all is additive."""
    return list(_breaks(_Node(approved, approved), _Node(current, current), ""))


class _Node:
    """A place in a schema, with the definitions it may refer to."""

    def __init__(self, schema: Schema, root: Schema) -> None:
        self.root = root
        self.schema = schema
        while reference := self.schema.get("$ref"):
            self.schema = root["$defs"][reference.removeprefix("#/$defs/")]

    def at(self, schema: Schema) -> "_Node":
        return _Node(schema, self.root)

    @property
    def alternatives(self) -> list["_Node"]:
        """The schemas one of which must hold; a plain schema is its only alternative."""
        choices = self.schema.get("anyOf") or self.schema.get("oneOf")
        return [one for choice in choices for one in self.at(choice).alternatives] if choices else [self]

    @property
    def kind(self) -> tuple[Any, ...]:
        schema = self.schema
        return schema.get("type"), schema.get("format"), schema.get("pattern")

    @property
    def values(self) -> set[Any] | None:
        """The only values allowed, where they are listed."""
        values = self.schema.get("enum", [self.schema["const"]] if "const" in self.schema else None)
        return None if values is None else set(values)

    @property
    def properties(self) -> Schema:
        properties: Schema = self.schema.get("properties", {})
        return properties

    @property
    def required(self) -> set[str]:
        return set(self.schema.get("required", ()))


def _breaks(old: _Node, new: _Node, place: str) -> Iterator[str]:
    before, after = old.alternatives, new.alternatives
    if len(before) == len(after) == 1:
        yield from _breaks_of_one(before[0], after[0], place)
        return
    for choice in before:
        if all(any(_breaks_of_one(choice, other, place)) for other in after):
            yield f"{place} is retyped: {_shown(choice)} is no longer allowed"


def _breaks_of_one(old: _Node, new: _Node, place: str) -> Iterator[str]:
    if old.kind != new.kind:
        yield f"{place or 'the event'} is retyped: from {_shown(old)} to {_shown(new)}"
        return
    yield from _narrowed(old, new, place)
    for name, part in old.properties.items():
        within = f"{place}.{name}" if place else name
        if name in new.properties:
            yield from _breaks(old.at(part), new.at(new.properties[name]), within)
        else:
            yield f"{within} is removed"
    for name in sorted(new.required - old.required):
        yield f"{f'{place}.' if place else ''}{name} is newly required"
    if "items" in old.schema and "items" in new.schema:
        yield from _breaks(old.at(old.schema["items"]), new.at(new.schema["items"]), f"{place}[]")


def _narrowed(old: _Node, new: _Node, place: str) -> Iterator[str]:
    if new.values is not None and (old.values is None or old.values - new.values):
        yield f"{place} is retyped: from {_shown(old)} to {_shown(new)}"
    nowhere = float("inf")
    for bound in _AT_MOST:
        if new.schema.get(bound, nowhere) < old.schema.get(bound, nowhere):
            yield f"{place} is narrowed: {bound} is now {new.schema[bound]}"
    for bound in _AT_LEAST:
        if new.schema.get(bound, -nowhere) > old.schema.get(bound, -nowhere):
            yield f"{place} is narrowed: {bound} is now {new.schema[bound]}"


def _shown(node: _Node) -> str:
    parts = {keyword: part for keyword, part in node.schema.items() if keyword in ("type", "format", "enum", "pattern")}
    return json.dumps(parts or dict(node.schema))
