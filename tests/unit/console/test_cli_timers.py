"""`timeball timers` lists timers and fires one, in words or in JSON."""

import json

from tests.unit.console.test_cli import answered

TIMER = {
    "name": "monitor.check",
    "cron": "*/5 * * * *",
    "zone": "UTC",
    "next_at": "2027-03-28T12:05:00Z",
    "last_tick_at": "2027-03-28T12:00:00Z",
    "last_was_manual": False,
    "last_missed": 3,
}
FIRED = {"timer": "monitor.check", "tick_at": "2027-03-28T12:01:02Z", "correlation_id": "c", "pending": False}
RUN = {
    "job": "monitor.check",
    "service": "monitor",
    "state": "failed",
    "tick_at": "2027-03-28T12:00:00Z",
    "manual": True,
    "duration_ms": 1234.5,
    "error": "Reddit does not answer",
}
RUNS = "GET /v1/timers/monitor.check/runs"
TRIGGER = "POST /v1/timers/monitor.check:trigger"


def test_timers_are_listed_with_their_next_and_last_tick() -> None:
    result, _ = answered({"GET /v1/timers": (200, {"timers": [TIMER]})}, "timers", "list")

    assert result.exit_code == 0
    for word in ("monitor.check", "*/5 * * * *", "UTC", "3 before it missed"):
        assert word in result.stdout


def test_a_timer_that_never_fired_is_listed_too() -> None:
    new = TIMER | {"last_tick_at": None, "last_was_manual": None, "last_missed": None}

    result, _ = answered({"GET /v1/timers": (200, {"timers": [new]})}, "timers", "list")

    assert result.exit_code == 0
    assert "monitor.check" in result.stdout


def test_json_is_what_the_console_answered() -> None:
    listed, _ = answered({"GET /v1/timers": (200, {"timers": [TIMER]})}, "timers", "list", "--json")
    fired, _ = answered({TRIGGER: (202, FIRED)}, "timers", "trigger", "monitor.check", "--json")

    assert json.loads(listed.stdout) == [TIMER]
    assert json.loads(fired.stdout) == FIRED


def test_history_says_what_became_of_each_tick() -> None:
    result, api = answered({RUNS: (200, {"runs": [RUN]})}, "timers", "history", "monitor.check", "--limit", "7")

    assert result.exit_code == 0
    for word in ("monitor", "failed", "1,234 ms", "by hand: Reddit does not answer"):
        assert word in result.stdout
    assert [request for request, _ in api.requests] == [f"{RUNS}?limit=7"]


def test_a_timer_without_runs_says_so() -> None:
    result, _ = answered({RUNS: (200, {"runs": []})}, "timers", "history", "monitor.check")

    assert (result.exit_code, result.stdout) == (
        0,
        "nothing has run for monitor.check yet: it has not ticked, or no service reacts to it\n",
    )


def test_history_in_json_is_what_the_console_answered() -> None:
    result, _ = answered({RUNS: (200, {"runs": [RUN]})}, "timers", "history", "monitor.check", "--json")

    assert json.loads(result.stdout) == [RUN]


def test_a_timer_is_fired_by_hand() -> None:
    result, api = answered({TRIGGER: (202, FIRED)}, "timers", "trigger", "monitor.check")

    assert (result.exit_code, result.stdout) == (0, "monitor.check fired\n")
    assert [request for request, _ in api.requests] == [TRIGGER]


def test_what_the_scheduler_has_not_answered_is_said() -> None:
    result, _ = answered({TRIGGER: (202, FIRED | {"pending": True})}, "timers", "trigger", "monitor.check")

    assert result.exit_code == 5
    assert "is to fire" in result.stdout


def test_an_unknown_timer_is_refused_with_those_there_are() -> None:
    refusal = {"code": "not_found", "detail": "there is no timer 'tea'; there are monitor.check"}

    result, _ = answered({"POST /v1/timers/tea:trigger": (404, refusal)}, "timers", "trigger", "tea")

    assert result.exit_code == 1
    assert "there are monitor.check" in result.stderr
