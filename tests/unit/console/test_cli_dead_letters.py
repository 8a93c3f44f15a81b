"""`timeball dead-letters` shows what rests and why, and says what became of what was replayed or dropped."""

import json
from typing import Any

import pytest

from services.console.cli.local_times import shown_zone
from tests.unit.console.test_cli import answered, run

LETTER: dict[str, Any] = {
    "service": "scheduler",
    "message_id": "m-1",
    "queue": "scheduler.requests",
    "message_type": "schedule.requested",
    "reason": "content: this field is required",
    "payload": '{"post_id": "post-1"}',
    "size": 21,
    "replays": 2,
    "parked_at": "2027-03-28T09:30:00Z",
    "post_id": "post-1",
    "account_id": None,
}
PAGE: dict[str, Any] = {
    "services": [{"service": "scheduler", "resting": 312}, {"service": "monitor", "resting": 0}],
    "dead_letters": [LETTER],
    "next": None,
}
SETTLED: dict[str, Any] = {
    "service": "scheduler",
    "correlation_id": "c",
    "count": 3,
    "message_ids": ["m-1", "m-2", "m-3"],
    "kept": 0,
    "absent": [],
    "resting": 0,
    "pending": False,
}
LIST, REPLAY, DROP = "GET /v1/dead-letters", "POST /v1/dead-letters:replay", "POST /v1/dead-letters:drop"


def test_letters_are_listed_with_their_reason_and_how_many_rest() -> None:
    result, api = answered({LIST: (200, PAGE)}, "dead-letters", "list", "scheduler", "--post", "post-1")

    assert result.exit_code == 0
    for word in ("schedule.requested", "m-1", "content: this field is required", "scheduler: 312 dead letters"):
        assert word in result.stdout
    assert f"(times in {shown_zone()})" in result.stdout
    assert "monitor" not in result.stdout
    assert '{"post_id"' not in result.stdout
    assert api.requests[0][0] == f"{LIST}?service=scheduler&post_id=post-1&limit=50"


def test_the_payload_is_shown_when_asked_for() -> None:
    result, _ = answered({LIST: (200, PAGE)}, "dead-letters", "list", "--payload")

    assert 'm-1 (21 bytes): {"post_id": "post-1"}' in result.stdout


def test_none_at_all_is_said() -> None:
    empty = {"services": [{"service": "scheduler", "resting": 0}], "dead_letters": [], "next": None}

    result, _ = answered({LIST: (200, empty)}, "dead-letters", "list")

    assert result.stdout == "no dead letters\n"


def test_more_than_are_listed_and_a_silent_broker_are_said() -> None:
    page = PAGE | {"services": [{"service": "scheduler", "resting": None}], "next": "cursor"}

    result, _ = answered({LIST: (200, page)}, "dead-letters", "list")

    assert "scheduler: the broker does not say how many there are" in result.stdout
    assert "there are more" in result.stdout


@pytest.mark.parametrize(("command", "route", "done"), [("replay", REPLAY, "replayed"), ("drop", DROP, "dropped")])
def test_letters_are_settled_by_id(command: str, route: str, done: str) -> None:
    result, api = answered({route: (202, SETTLED)}, "dead-letters", command, "scheduler", "m-1", "m-2", "m-3")

    assert (result.exit_code, result.stdout) == (0, f"3 {done}\n")
    assert api.requests == [(route, {"service": "scheduler", "message_ids": ["m-1", "m-2", "m-3"]})]


def test_all_are_replayed_as_of_an_instant() -> None:
    given = ("dead-letters", "replay", "scheduler", "--all", "--as-of", "2027-03-28T14:03:07Z")

    result, api = answered({REPLAY: (202, SETTLED | {"resting": 4})}, *given)

    assert result.stdout == "3 replayed, 4 left\n"
    assert api.requests[0][1] == {"service": "scheduler", "as_of": "2027-03-28T14:03:07Z"}


@pytest.mark.parametrize("command", ["replay", "drop"])
@pytest.mark.parametrize("given", [(), ("m-1", "--all")])
def test_whether_some_or_all_are_meant_must_be_said(command: str, given: tuple[str, ...]) -> None:
    result = run("dead-letters", command, "scheduler", *given)

    assert result.exit_code == 2
    assert "--all" in result.stderr


def test_all_are_dropped_only_when_a_person_says_yes() -> None:
    refused, none = answered({DROP: (202, SETTLED)}, "dead-letters", "drop", "scheduler", "--all", stdin="n\n")
    agreed, one = answered({DROP: (202, SETTLED)}, "dead-letters", "drop", "scheduler", "--all", stdin="y\n")
    unasked, _ = answered({DROP: (202, SETTLED)}, "dead-letters", "drop", "scheduler", "--all", "--yes")

    assert (refused.exit_code, len(none.requests)) == (1, 0)
    assert (agreed.exit_code, len(one.requests)) == (0, 1)
    assert unasked.stdout == "3 dropped\n"


def test_what_could_not_be_settled_is_named_and_the_exit_code_says_so() -> None:
    settled = SETTLED | {"count": 1, "message_ids": ["m-1"], "absent": ["m-2"]}

    result, _ = answered({REPLAY: (202, settled)}, "dead-letters", "replay", "scheduler", "m-1", "m-2")
    kept, _ = answered({REPLAY: (202, SETTLED | {"kept": 2})}, "dead-letters", "replay", "scheduler", "--all")

    assert result.exit_code == kept.exit_code == 1
    assert "m-2 is no dead letter of scheduler" in result.stderr
    assert "2 left: scheduler no longer has the queue that they came from; drop them" in kept.stderr


def test_what_is_not_finished_is_said() -> None:
    pending = SETTLED | {"pending": True, "resting": None}

    result, _ = answered({REPLAY: (202, pending)}, "dead-letters", "replay", "scheduler", "--all")

    assert result.exit_code == 5
    assert "3 replayed so far\nscheduler has not finished yet" in result.stdout


def test_json_is_what_the_console_answered() -> None:
    listed, _ = answered({LIST: (200, PAGE)}, "dead-letters", "list", "--json")
    settled, _ = answered({REPLAY: (202, SETTLED)}, "dead-letters", "replay", "scheduler", "m-1", "--json")

    assert json.loads(listed.stdout) == PAGE
    assert json.loads(settled.stdout) == SETTLED


def test_an_unknown_service_is_refused_with_those_there_are() -> None:
    problem = {"detail": "there is no service 'tea'; there are scheduler, publisher", "code": "not_found"}

    result, _ = answered({REPLAY: (404, problem)}, "dead-letters", "replay", "tea", "--all")

    assert result.exit_code == 1
    assert "there are scheduler, publisher" in result.stderr


def test_a_wrong_instant_is_told_before_anybody_is_asked() -> None:
    result, api = answered({}, "dead-letters", "drop", "scheduler", "--all", "--as-of", "soon")

    assert result.exit_code == 2
    assert "--as-of: an instant is RFC 3339 text" in " ".join(result.stderr.replace("│", " ").split())
    assert "for good" not in result.stdout + result.stderr
    assert api.requests == []
