"""An alert says, to somebody who has never seen the system, what it means for posts and what to run first."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from services.maintenance import conditions, post_conditions
from services.maintenance.conditions import QueueState
from services.maintenance.domain import Account, Condition, Failing, JobRun, Report, Waiting
from services.maintenance.post_conditions import Lateness
from shared.events.maintenance import Overdue
from shared.events.progress import State

NOW = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=2)
MOST = 500
OVERDUE = Overdue(count=12, post_id="sale", publish_at=LONG_AGO)
CODES = {
    "account_access_ends", "account_needs_reconnect", "account_not_renewed", "dead_letters", "job_failed",
    "job_overdue", "lateness_high", "outbox_old", "posts_failing", "posts_held", "posts_overdue", "posts_unknown",
    "queue_unconsumed", "service_not_ready", "service_restarts", "service_silent",
}  # fmt: skip


def account(**more: object) -> Account:
    return Account(**{"account_id": "team", "platform": "x", "connected": True, "changed_at": NOW} | more)  # type: ignore[arg-type]


def told() -> Mapping[str, Condition]:
    """One of each alert."""
    accounts = [
        account(needs_reconnect=True),
        account(token_expires_at=LONG_AGO),
        account(refresh_expires_at=NOW + timedelta(days=3)),
    ]
    reports = [
        Report("publisher", "1", LONG_AGO, None, {}, ()),
        Report("scheduler", "1", NOW, 90.0, {"database": "it does not answer"}, (), overdue=OVERDUE),
    ]
    failed = JobRun("1", "monitor.check", "monitor", "failed", LONG_AGO, LONG_AGO, error="no network")
    found = [
        *conditions.of_accounts(accounts, NOW),
        *conditions.of_jobs([JobRun("2", "retention.purge", "maintenance", "running", LONG_AGO)], [failed], NOW),
        *conditions.of_services(reports, NOW),
        *conditions.of_short_lives({"publisher": 7}),
        *conditions.of_queues([QueueState("publisher", "publisher.requests", 1, 0)]),
        *conditions.of_dead_letters({"publisher": 1}),
        *post_conditions.of_decisions([Waiting("team", state, 2, "sale", LONG_AGO) for state in WAITS]),
        *post_conditions.of_failures([Failing("x", "team", "forbidden", 3, 3, LONG_AGO, "sale", "no")], 3),
        *post_conditions.of_overdue(reports, NOW),
        *post_conditions.of_lateness(Lateness(20, 2500.0), 2000),
    ]
    return {condition.code: condition for condition in found}


WAITS = (State.UNKNOWN, State.HELD)


def test_each_alert_is_looked_at_here() -> None:
    assert set(told()) == CODES


@pytest.mark.parametrize("code", sorted(CODES))
def test_it_is_short_says_what_becomes_of_posts_and_names_a_command(code: str) -> None:
    message = told()[code].message

    assert any(word in message.lower() for word in ("post", "its work", "mention")), message
    assert "`" in message, message
    assert len(message) < MOST, message
