"""What is said of events, and what is left unsaid."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.console.cli.client import LiveEvent
from services.console.cli.sentences import sentence
from services.console.cli.watching import tell_news

NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)


def event(type_: str, **data: Any) -> LiveEvent:
    return LiveEvent(type_, "c", data, {})


@pytest.mark.parametrize(
    ("type_", "data", "said"),
    [
        ("timer.fired", {"timer": "digest.send", "missed": 0, "manual": False}, "ticked      digest.send"),
        ("timer.fired", {"timer": "digest.send", "missed": 3}, "ticked      digest.send, 3 before it missed"),
        ("timer.fired", {"timer": "digest.send", "missed": 0, "manual": True}, "ticked      digest.send by hand"),
        ("job.started", {"job": "digest.send"}, "job begun   digest.send"),
        ("job.succeeded", {"job": "digest.send", "duration_ms": 12.4}, "job done    digest.send after 12 ms"),
        (
            "job.failed",
            {"job": "digest.send", "duration_ms": 12.4, "error": "OSError: no"},
            "job failed  digest.send after 12 ms: OSError: no",
        ),
        (
            "publish.succeeded",
            {"post_id": "p", "account_id": "a", "lateness_ms": 196_000.0},
            "published   p on a, 3.3 min late",
        ),
        (
            "publish.succeeded",
            {"post_id": "p", "account_id": "a", "lateness_ms": -0.4},
            "published   p on a, 0.4 ms early",
        ),
        (
            "schedule.superseded",
            {"post_id": "p", "account_id": "a", "revision": 1, "by": 2},
            "superseded  p on a, revision 1 by revision 2",
        ),
        (
            "publish.withdraw_requested",
            {"post_id": "p", "account_id": "a", "revision": 1, "reason": "cancelled"},
            "asked       to take back p on a, revision 1: cancelled",
        ),
        (
            "schedule.batch_settled",
            {"batch_id": "b", "accepted": [], "rejected": [], "pending": [{"post_id": "p", "account_id": "a"}]},
            "settled     b: 0 accepted, 0 rejected, 1 wait for the publisher",
        ),
        (
            "account.connect_failed",
            {"account_id": "a", "platform": "mastodon", "error": {"code": "401", "message": "wrong token"}},
            "no access   a on mastodon: wrong token (401)",
        ),
        ("job.skipped", {"job": "digest.send", "reason": "at work"}, "job skipped digest.send: at work"),
    ],
)
def test_an_event_is_told_in_a_line(type_: str, data: dict[str, Any], said: str) -> None:
    assert sentence(event(type_, **data), NOON).plain.endswith(f"  {said}")


def test_a_doubt_is_told_with_the_retry() -> None:
    error = {"message": "no answer", "code": "timeout"}
    data = {"post_id": "p", "account_id": "a", "next_attempt_at": NOON.isoformat(), "error": error}

    certain, doubtful = [
        sentence(event("publish.retrying", **data, in_doubt=in_doubt), NOON).plain for in_doubt in (False, True)
    ]

    assert certain.endswith(": no answer (timeout)")
    assert doubtful.endswith(", may be out already: no answer (timeout)")
    assert "may be out" not in certain


@pytest.mark.parametrize(
    ("type_", "is_told"), [("timer.configured", False), ("service.reported", False), ("timer.fired", True)]
)
def test_what_services_only_repeat_is_left_unsaid(
    type_: str, is_told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    tell_news(event(type_, timer="digest.send"))

    assert bool(capsys.readouterr().out) is is_told


@pytest.mark.parametrize(
    ("type_", "field"),
    [("schedule.accepted", "publish_at"), ("publish.requested", "publish_at"), ("publish.retrying", "next_attempt_at")],
)
def test_an_instant_on_another_day_is_told_with_its_date(type_: str, field: str) -> None:
    def told(instant: datetime) -> str:
        data = {"post_id": "p", "account_id": "a", "revision": 1, "changed": True, field: instant.isoformat()}
        return sentence(event(type_, **data), NOON).plain

    later = (NOON + timedelta(days=2)).astimezone()
    assert f" {NOON.astimezone():%H:%M:%S}" in told(NOON).split("  ", 1)[1]
    assert f"{NOON.astimezone():%Y-%m-%d}" not in told(NOON)
    assert f" {later:%Y-%m-%d %H:%M:%S}" in told(later)


def test_an_alert_is_told_to_its_end_where_the_way_out_stands() -> None:
    message = f"{'7 posts wait. ' * 20}Then `timeball retry --held --account a`."

    assert sentence(event("alert.raised", severity="warning", message=message), NOON).plain.endswith("--account a`.")
