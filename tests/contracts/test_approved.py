"""What other systems rely on changes only on purpose, and only by addition."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from shared.events import EVENTS
from tests.contracts.approve import APPROVED, approve, approved_schemas
from tests.contracts.schemas import as_file, breaking_changes, schema_of

HOW = "if that is meant, approve it: python -m tests.contracts.approve"


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_event_is_what_was_approved(name: str) -> None:
    approved = APPROVED / f"{name}.json"

    assert approved.exists(), f"{name} is new; {HOW}"
    assert as_file(schema_of(EVENTS[name])) == approved.read_text(), f"{name} has changed; {HOW}"


def test_no_approved_event_has_disappeared() -> None:
    assert set(approved_schemas()) == set(EVENTS)


SENT: dict[str, Any] = {
    "type": "object",
    "$defs": {"Place": {"type": "object", "properties": {"url": {"type": "string", "maxLength": 50}}}},
    "properties": {
        "id": {"type": "string", "pattern": "^.+$"},
        "state": {"enum": ["open", "shut"], "type": "string"},
        "when": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
        "places": {"type": "array", "items": {"$ref": "#/$defs/Place"}},
        "title": {"type": "string"},
    },
    "required": ["id"],
}


def changed(*path: str, to: object) -> dict[str, Any]:
    """SENT with the value at a path replaced, or removed where `to` is None."""
    schema = deepcopy(SENT)
    node = schema
    for part in path[:-1]:
        node = node[part]
    if to is None:
        del node[path[-1]]
    else:
        node[path[-1]] = to
    return schema


@pytest.mark.parametrize(
    "addition",
    [
        pytest.param(SENT, id="nothing"),
        pytest.param(changed("properties", "note", to={"type": "string"}), id="an optional field"),
        pytest.param(changed("$defs", "Place", "properties", "alt", to={"type": "string"}), id="one in a part"),
        pytest.param(changed("properties", "state", "enum", to=["open", "ajar", "shut"]), id="one more value"),
        pytest.param(changed("$defs", "Place", "properties", "url", "maxLength", to=99), id="more room"),
        pytest.param(changed("required", to=[]), id="a field no longer required"),
        pytest.param(
            changed("properties", "id", to={"anyOf": [{"type": "integer"}, SENT["properties"]["id"]]}),
            id="one more type",
        ),
    ],
)
def test_what_adds_is_approved(tmp_path: Path, addition: dict[str, Any]) -> None:
    approve({"thing.done": SENT}, tmp_path)

    assert approve({"thing.done": addition}, tmp_path) == []
    assert approved_schemas(tmp_path) == {"thing.done": addition}


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (changed("properties", "title", to=None), "title is removed"),
        (changed("$defs", "Place", "properties", "url", to=None), "places[].url is removed"),
        (changed("required", to=["id", "title"]), "title is newly required"),
        (changed("$defs", "Place", "required", to=["url"]), "places[].url is newly required"),
        (changed("properties", "title", "type", to="integer"), "title is retyped"),
        (changed("properties", "title", "format", to="date-time"), "title is retyped"),
        (changed("properties", "id", "pattern", to="^[a-z]+$"), "id is retyped"),
        (changed("properties", "state", "enum", to=["open"]), "state is retyped"),
        (changed("properties", "title", "enum", to=["a"]), "title is retyped"),
        (changed("properties", "when", "anyOf", to=[{"type": "string", "format": "date-time"}]), "when is retyped"),
        (changed("properties", "when", to={"type": "null"}), "when is retyped"),
        (changed("$defs", "Place", "properties", "url", "maxLength", to=49), "places[].url is narrowed"),
        (changed("properties", "places", "minItems", to=1), "places is narrowed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_breaks_others_is_refused(tmp_path: Path, broken: dict[str, Any], problem: str) -> None:
    approve({"thing.done": SENT, "thing.begun": SENT}, tmp_path)

    refused = approve({"thing.done": broken, "thing.begun": SENT}, tmp_path)

    assert [reason.startswith(f"thing.done: {problem}") for reason in refused] == [True], refused
    assert approved_schemas(tmp_path) == {"thing.done": SENT, "thing.begun": SENT}


def test_an_event_that_disappears_is_refused(tmp_path: Path) -> None:
    approve({"thing.done": SENT, "thing.begun": SENT}, tmp_path)

    assert approve({"thing.done": SENT}, tmp_path) == ["thing.begun: the event is removed"]


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_schema_breaks_nothing_of_itself(name: str) -> None:
    schema = schema_of(EVENTS[name])

    assert breaking_changes(schema, schema) == []
