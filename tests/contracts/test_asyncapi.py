"""The AsyncAPI document is valid, says all that the contract has, and says of the services what is so."""

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from shared.contract.document import contract_of, document
from shared.contract.entries import CONSOLE, EVERY_SERVICE, TO_THEMSELVES, Entry, entries
from shared.contract.examples import EXAMPLES
from shared.contract.fields import FIELDS, meaning_of
from shared.events import EVENTS
from tests.support.node import node_packages

ENTRIES = {entry.name: entry for _, entry in entries()}
OTHERS = [service for service in EVERY_SERVICE if service != CONSOLE]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from references(part)


def resolved(reference: str, whole: Any) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        whole = whole.get(part) if isinstance(whole, dict) else None
    return whole


def test_every_event_is_in_the_contract_but_for_what_services_tell_themselves() -> None:
    assert set(ENTRIES) | TO_THEMSELVES == set(EVENTS), "describe it in shared/contract/{entries,examples,fields}.py"
    assert set(ENTRIES) == set(EXAMPLES)


def test_every_request_is_answered_by_facts_of_who_takes_it() -> None:
    asking = {name: entry for name, entry in ENTRIES.items() if entry.is_request or name.endswith("_requested")}
    answers = {name: [ENTRIES[answer] for answer in entry.answered_by] for name, entry in asking.items()}

    assert [name for name, facts in answers.items() if not facts] == []
    strangers = {
        f"{name}: {fact.name}"
        for name, facts in answers.items()
        for fact in facts
        if not set(fact.emitted_by) & set(asking[name].taken_by)
    }
    assert strangers == set()


@pytest.mark.parametrize("service", EVERY_SERVICE)
def test_the_document_satisfies_the_official_schema(service: str) -> None:
    specs = node_packages() / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"

    problems = Draft7Validator(json.loads(specs.read_text())).iter_errors(contract_of(service))

    assert [f"{problem.json_path}: {problem.message[:200]}" for problem in problems] == []


@pytest.mark.parametrize("service", EVERY_SERVICE)
def test_every_reference_leads_somewhere(service: str) -> None:
    whole = contract_of(service)

    assert [reference for reference in references(whole) if resolved(reference, whole) is None] == []


@pytest.mark.parametrize("type", sorted(ENTRIES))
def test_an_example_is_read_as_its_event_and_satisfies_its_published_schema(type: str) -> None:
    whole = document()
    message = whole["components"]["messages"][type]
    (example,) = message["examples"]

    schema = message["payload"] | {"components": whole["components"]}

    EVENTS[type].model_validate_json(json.dumps(example["payload"]))
    for validator in (Draft7Validator, Draft202012Validator):
        assert [problem.message for problem in validator(schema).iter_errors(example["payload"])] == []


def test_every_example_names_only_fields_that_there_are() -> None:
    invented = {
        f"{type}: {field}" for type, body in EXAMPLES.items() for field in body if field not in wire_names(EVENTS[type])
    }

    assert invented == set()


def wire_names(event: Any) -> set[str]:
    return set(event.model_json_schema().get("properties", {}))


def test_no_meaning_outlives_its_field() -> None:
    schemas = document()["components"]["schemas"]
    fields = {field for schema in schemas.values() for field in schema.get("properties", {})}
    known = fields | {f"{name}.{field}" for name, schema in schemas.items() for field in schema.get("properties", {})}

    assert set(FIELDS) - known == set()


def test_every_field_has_a_meaning() -> None:
    schemas = document()["components"]["schemas"]
    fields = [(name, field) for name, schema in schemas.items() for field in schema.get("properties", {})]

    assert [f"{name}.{field}" for name, field in fields if not meaning_of(name, field)] == [], (
        "shared/contract/fields.py"
    )


@pytest.mark.parametrize("service", OTHERS)
def test_a_service_takes_what_its_queues_are_bound_to(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIMEBALL_HOME", str(tmp_path))
    monkeypatch.setenv("TIMEBALL_BROKER_URL", "amqp://nowhere/")
    settings = importlib.import_module(f"services.{service}.settings").Settings()

    built = importlib.import_module(f"services.{service}.app").build(settings)

    bound = {key for queue in built.topology.queues for key in queue.bindings}
    assert bound == {type for type, entry in ENTRIES.items() if service in entry.taken_by}


@pytest.mark.parametrize("service", OTHERS)
def test_a_service_emits_what_it_says_of_itself(service: str) -> None:
    told = importlib.import_module(f"services.{service}").__doc__ or ""

    emits = set(re.findall(r"[a-z_]+\.[a-z_]+", told.partition("\nemits")[2]))

    dead_letters = {"dead_letter.parked", "dead_letter.replayed", "dead_letter.dropped"}
    of_every_service = {"service.reported", "retention.purged"} | dead_letters
    assert emits | of_every_service == {type for type, entry in ENTRIES.items() if service in entry.emitted_by}


def test_the_console_sends_every_request_and_takes_every_event() -> None:
    assert all(CONSOLE in entry.emitted_by for entry in ENTRIES.values() if entry.is_request)
    assert set(contract_of(CONSOLE)["channels"]) == set(ENTRIES)


@pytest.mark.parametrize("service", OTHERS)
def test_the_document_of_a_service_has_what_it_takes_and_emits_under_names_a_person_reads(service: str) -> None:
    own = contract_of(service)

    concerned = {entry.name: entry for entry in ENTRIES.values() if entry.concerns(service)}
    assert set(own["channels"]) == set(concerned)
    assert set(own["operations"]) == {name for entry in concerned.values() for name in operations(entry, service)}


def operations(entry: Entry, service: str) -> Iterator[str]:
    if service in entry.taken_by:
        yield f"receive-{entry.name}"
    if service in entry.emitted_by:
        yield f"send-{entry.name}"


def test_a_channel_says_where_its_messages_are_sent() -> None:
    channel = document()["channels"]["schedule.requested"]

    assert channel["address"] == "schedule.requested"
    assert channel["bindings"]["amqp"]["is"] == "routingKey"
    exchange = channel["bindings"]["amqp"]["exchange"]
    assert (exchange["name"], exchange["type"], exchange["durable"]) == ("timeball.events", "topic", True)
