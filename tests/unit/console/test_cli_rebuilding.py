"""`timeball console rebuild` says who has told what, and who has not."""

import json
from collections import UserDict
from typing import Any

import pytest

from services.console.cli import rebuilding
from tests.unit.console.test_cli import answered

REBUILD = "POST /v1/console:rebuild"


def rebuilt(*waiting: str) -> dict[str, Any]:
    return {"correlation_id": "c", "services": [{"service": "scheduler", "told": 312}], "waiting": list(waiting)}


def test_what_each_service_told_is_counted() -> None:
    result, api = answered({REBUILD: (202, rebuilt())}, "console", "rebuild")

    assert (result.exit_code, result.stdout) == (0, "scheduler has told of 312 things\n")
    assert [request for request, _ in api.requests] == [REBUILD]


def test_a_rebuild_is_followed_until_everything_has_been_read() -> None:
    answers = {REBUILD: (202, rebuilt("scheduler")), "GET /v1/console/rebuilds/c": (200, rebuilt())}

    result, _ = answered(answers, "console", "rebuild")

    assert (result.exit_code, result.stdout) == (0, "scheduler has told of 312 things\n")


def test_a_service_that_has_not_told_everything_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rebuilding, "PATIENCE_SECONDS", 0.0)
    result, _ = answered({REBUILD: (202, rebuilt("publisher"))}, "console", "rebuild")

    assert result.exit_code == 1
    assert "publisher has not finished telling" in result.output


def test_json_is_what_the_console_answered() -> None:
    result, _ = answered({REBUILD: (202, rebuilt())}, "console", "rebuild", "--json")

    assert json.loads(result.stdout) == rebuilt()


def test_a_console_that_cannot_say_how_far_it_is_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "LOOK_SECONDS", 0.01)
    looks = [(503, {"code": "database_unavailable", "detail": "send it again"}), (200, rebuilt())]

    class Changing(UserDict[str, tuple[int, Any]]):
        def get(self, key: str, *_: Any) -> tuple[int, Any]:
            return (202, rebuilt("scheduler")) if key == REBUILD else looks.pop(0)

    result, _ = answered(Changing(), "console", "rebuild")

    assert (result.exit_code, looks) == (0, []), result.output
