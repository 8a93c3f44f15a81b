"""`timeball watch` goes on until somebody ends it: a console that restarts, or is without its database, does not."""

import json
from collections import UserDict
from typing import Any

import pytest

from services.console.cli import watching
from tests.unit.console.fake_api import fake_api
from tests.unit.console.test_cli import run

UNAUTHORIZED = (401, {"code": "unauthorized", "detail": "the token was revoked"})
NO_DATABASE = (503, {"code": "database_unavailable", "detail": "the console's database cannot be used"})


class InTurn(UserDict[str, tuple[int, Any]]):
    """One answer after the other."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        super().__init__()
        self.left = list(answers)

    def get(self, *_: Any) -> tuple[int, Any]:
        return self.left.pop(0)


def stream(begins_at: int, *numbers: int) -> tuple[int, bytes]:
    lines = [f": listening\nid: {begins_at}\nevent: alive\ndata: {{}}\n\n"]
    for number in numbers:
        told = {"type": "timer.fired", "correlation_id": "c", "message_id": f"m-{number}", "data": {}}
        lines.append(f"id: {number}\nevent: timer.fired\ndata: {json.dumps(told)}\n\n")
    return 200, "".join(lines).encode()


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "RECONNECT_SECONDS", 0.01)


def test_watch_goes_on_after_the_last_event_it_has_shown() -> None:
    cut_off = (200, stream(4, 5)[1] + b"id: 6\nevent: timer.fired\n")

    with fake_api(InTurn(cut_off, NO_DATABASE, stream(5, 6), stream(6), UNAUTHORIZED)) as api:
        watched = run("watch", "--json", url=api.url)

    assert [json.loads(line)["message_id"] for line in watched.stdout.splitlines()] == ["m-5", "m-6"]
    assert api.last_event_ids == [None, "5", "5", "6", "6"]
    assert watched.stderr.count("the console is away") == watched.stderr.count("the console is there again") + 1
    assert (watched.exit_code, "the token was revoked" in watched.stderr) == (1, True)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
def test_a_text_with_a_separator_of_lines_is_one_line_of_the_stream(separator: str) -> None:
    """The console sends them as they are, as JSON allows; what people copy has them."""
    told = {"type": "schedule.requested", "correlation_id": "c", "message_id": "m", "data": {"content": "a b"}}
    line = json.dumps(told, ensure_ascii=False).replace("a b", f"a{separator}b")

    with fake_api(InTurn((200, f": listening\n\ndata: {line}\n\n".encode()), UNAUTHORIZED)) as api:
        watched = run("watch", "--json", url=api.url)

    assert watched.stdout.rstrip("\n") == line


def test_watch_says_that_it_has_missed_events_which_are_deleted() -> None:
    reset = (200, b"id: 90\nevent: reset\ndata: {}\n\n" + stream(90, 91)[1])

    with fake_api(InTurn(stream(4, 5), reset, UNAUTHORIZED)) as api:
        watched = run("watch", "--json", url=api.url)

    assert [json.loads(line)["message_id"] for line in watched.stdout.splitlines()] == ["m-5", "m-91"]
    assert watched.stderr.count("are deleted, and not shown") == 1
    assert api.last_event_ids == [None, "5", "91"]


def test_a_console_that_is_not_there_at_first_is_told_at_once() -> None:
    with fake_api(InTurn(NO_DATABASE)) as api:
        watched = run("watch", url=api.url)

    assert (watched.exit_code, "cannot be used" in watched.stderr) == (1, True)
