"""What people are told, and how long is waited for a target."""

from datetime import UTC, datetime, timedelta

from services.maintenance.notifying import MOST_ATTEMPTS, message_of, wait_after
from shared.events.maintenance import AlertRaised
from shared.messaging.topology import RETRY_TIERS, tier_within

NOW = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)


def test_an_alert_says_what_is_wrong_and_where() -> None:
    message = message_of(
        AlertRaised(severity="critical", code="outbox_old", message="It waits.", subject="publisher"), NOW
    )

    assert message.title == "Timeball critical: outbox_old (publisher)"
    assert message.body == "It waits.\n\noutbox_old · publisher · 2027-03-28 12:00 UTC"


def test_an_alert_says_since_when() -> None:
    alert = AlertRaised(
        severity="critical", code="c", message="m", subject="s", since=NOW - timedelta(days=1, minutes=2)
    )

    assert message_of(alert, NOW).body == "m\n\nc · s · 2027-03-28 12:00 UTC, first seen 2027-03-27 11:58 UTC"


def test_the_end_of_an_alert_says_so() -> None:
    over = AlertRaised(severity="info", code="c", message="Over: It waits.", subject="s", state="resolved")

    assert message_of(over, NOW).title == "Timeball resolved: c (s)"


def test_each_wait_has_its_retry_queue() -> None:
    waits = [wait_after(attempts) for attempts in range(1, MOST_ATTEMPTS)]

    assert [tier_within(wait) for wait in waits] == list(RETRY_TIERS[: MOST_ATTEMPTS - 1])
    assert waits[0] == timedelta(seconds=5)
