"""What was sent once stays readable: payloads of earlier releases and of other systems."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.events import EVENTS
from shared.messaging.envelope import read_event

CORPUS = Path(__file__).parent / "corpus"
PAYLOADS = sorted(CORPUS.glob("*/*.json"))


def without(added: str, value: Any) -> Any:
    if isinstance(value, list):
        return [without(added, part) for part in value]
    if isinstance(value, dict):
        return {name: without(added, part) for name, part in value.items() if name != added}
    return value


@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_old_payload_is_read_and_means_the_same_when_sent_on(path: Path) -> None:
    event = read_event(path.parent.name, path.read_bytes())

    assert read_event(path.parent.name, event.body()) == event


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/full.json")), ids=lambda path: path.parent.name)
def test_every_field_of_an_old_payload_is_still_known(path: Path) -> None:
    given = json.loads(path.read_bytes())

    sent_on = json.loads(read_event(path.parent.name, path.read_bytes()).body())

    assert given.keys() <= sent_on.keys()


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/unknown_fields.json")), ids=lambda path: path.parent.name)
def test_fields_added_later_are_ignored(path: Path) -> None:
    given = json.loads(path.read_bytes())
    known = without("added_later", given)

    assert known != given
    assert read_event(path.parent.name, path.read_bytes()) == read_event(path.parent.name, json.dumps(known).encode())


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_every_event_has_payloads(name: str) -> None:
    assert {"minimal", "unknown_fields"} <= {path.stem for path in PAYLOADS if path.parent.name == name}


def test_every_payload_belongs_to_an_event() -> None:
    assert {path.parent.name for path in PAYLOADS} <= set(EVENTS)
