"""`timeball alerts` shows what is wrong with what to run, and with --all what was."""

import json
from typing import Any

from services.console.cli.local_times import local_time, shown_zone
from tests.unit.console.test_cli import answered

SINCE, ENDED = "2027-03-28T03:12:00Z", "2027-03-28T03:40:00Z"
OPEN: dict[str, Any] = {
    "code": "posts_failing",
    "subject": "mastodon",
    "severity": "critical",
    "message": "3 posts failed on mastodon. See `timeball status post-1`",
    "state": "raised",
    "since": SINCE,
    "told_at": SINCE,
    "resolved_at": None,
}
OVER = OPEN | {"state": "resolved", "resolved_at": ENDED}
ALERTS = "GET /v1/alerts"


def page(*alerts: dict[str, Any], following: str | None = None) -> dict[str, Any]:
    return {"alerts": list(alerts), "next": following}


def test_what_is_wrong_is_shown_with_since_when_and_what_to_run() -> None:
    result, api = answered({ALERTS: (200, page(OPEN, following="there"))}, "alerts", "--limit", "1")

    assert result.exit_code == 0
    assert f"critical posts_failing (mastodon), since {local_time(SINCE)}\n" in result.stdout
    assert "See `timeball status post-1`" in result.stdout
    assert f"times in {shown_zone()}" in result.stderr
    assert "--cursor there" in result.stderr
    assert [request for request, _ in api.requests] == [f"{ALERTS}?state=raised&limit=1"]


def test_all_are_shown_with_when_they_were_over() -> None:
    unheard = OVER | {"resolved_at": None}

    result, api = answered({ALERTS: (200, page(OPEN, OVER, unheard))}, "alerts", "--all")

    assert f"since {local_time(SINCE)} until {local_time(ENDED)}\n" in result.stdout
    assert f"since {local_time(SINCE)}, last told {local_time(SINCE)}\n" in result.stdout
    assert [line.split()[0] for line in result.stdout.splitlines()[::2]] == ["critical", "over", "over"]
    assert [request for request, _ in api.requests] == [f"{ALERTS}?limit=50"]


def test_none_at_all_is_said_with_where_those_are_that_are_over() -> None:
    none, _ = answered({ALERTS: (200, page())}, "alerts")
    ever, _ = answered({ALERTS: (200, page())}, "alerts", "--all")

    assert none.stdout == "no alerts; --all shows those that are over\n"
    assert ever.stdout == "no alerts\n"


def test_json_is_what_the_console_answered() -> None:
    result, _ = answered({ALERTS: (200, page(OPEN))}, "alerts", "--json")

    assert json.loads(result.stdout) == page(OPEN)
