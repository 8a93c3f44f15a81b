"""Posts that fail for good are told where the last of an account or of a network all failed, and until one is out."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.maintenance.alerting import RISEN_AFTER
from services.maintenance.retention import RULES
from shared.database.purging import Purge
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.maintenance import RetentionPurgeRequested
from shared.events.publisher import AccountConnected, AccountDisconnected, PublishFailed, PublishSucceeded
from tests.integration.maintenance.conftest import NOW, Replica, delivery

FORBIDDEN = ErrorDetail(kind="rejected", code="forbidden", message="the app may\nnot post")
TOO_LONG = ErrorDetail(kind="rejected", code="too_long", message="500 characters at most")
MINUTE = timedelta(minutes=1)


def failed(post_id: str, account_id: str = "team", **more: Any) -> PublishFailed:
    usual = {"revision": 1, "attempts": 1, "error": FORBIDDEN}
    return PublishFailed.model_validate({"post_id": post_id, "account_id": account_id} | usual | more)


def published(post_id: str, account_id: str = "team", *, at: datetime, platform: str = "x") -> PublishSucceeded:
    out: dict[str, Any] = {"platform": platform, "published_at": at, "lateness_ms": 1.0}
    return PublishSucceeded(post_id=post_id, account_id=account_id, revision=1, attempts=1, **out)


async def hear(replica: Replica, *facts: Event) -> None:
    """Each a second after the other."""
    for fact in facts:
        replica.clock.advance(timedelta(seconds=1))
        heard = delivery(fact, sent_at=replica.clock.now())
        is_outcome = isinstance(fact, PublishFailed | PublishSucceeded)
        await (replica.handlers.on_outcome(heard) if is_outcome else replica.handlers.on_account_fact(heard))


async def connect(replica: Replica, *accounts: str, platform: str = "x") -> None:
    await hear(replica, *(AccountConnected(account_id=account, platform=platform) for account in accounts))


async def codes(replica: Replica) -> list[str]:
    return [f"{alert.code} {alert.subject} {alert.state}" for alert in await replica.look()]


async def test_the_last_posts_of_an_account_that_all_failed_are_told_with_where_since_when_and_why(
    replica: Replica,
) -> None:
    await connect(replica, "team", "other")
    await hear(replica, published("fine", at=NOW), failed("a"), failed("b", error=TOO_LONG))
    few = await codes(replica)
    await hear(replica, published("other", "other", at=replica.clock.now()), failed("c"))

    (alert,) = await replica.look()

    assert few == []
    assert (alert.code, alert.subject, alert.severity) == ("posts_failing", "x", "critical")
    assert alert.message == (
        "3 posts failed on x since 2027-03-28 12:00 UTC and none went out after them, on 'team'; they are not tried "
        "again. Most often (2 of 3) forbidden: the app may not post. See `timeball status a`; once it is mended, "
        "`timeball bulk retry --state failed --account team`"
    )


async def test_a_post_that_fails_among_many_is_its_authors_affair(replica: Replica) -> None:
    await connect(replica, "team")
    for number in range(4):
        fine = published(f"fine-{number}", at=replica.clock.now())
        await hear(replica, failed(f"a-{number}"), failed(f"b-{number}"), fine)

        assert await codes(replica) == []


async def test_the_same_fact_again_and_the_same_post_again_count_once(replica: Replica) -> None:
    await connect(replica, "team")
    await hear(replica, failed("a"), failed("a"), failed("a", attempts=2), failed("b"), failed("b"))

    assert await codes(replica) == []


async def test_a_fact_that_comes_again_after_the_account_published_counts_no_more(replica: Replica) -> None:
    await connect(replica, "team")
    await hear(replica, failed("a"), failed("b"), failed("c"), published("fine", at=NOW + MINUTE))
    await hear(replica, failed("a"), failed("b"), failed("c"))

    assert await codes(replica) == []


async def test_posts_that_are_asked_for_again_and_fail_again_are_told(replica: Replica) -> None:
    await connect(replica, "team")
    await hear(replica, *(failed(post) for post in "abc"), published("fine", at=NOW + timedelta(seconds=5)))
    assert await codes(replica) == []

    await hear(replica, *(failed(post, attempts=2, retries=1) for post in "abc"))

    assert await codes(replica) == ["posts_failing x raised"]


async def test_what_a_person_found_not_to_be_out_is_no_failure_of_the_network(replica: Replica) -> None:
    found = ErrorDetail(kind="resolved", code="not_published", message="a person found that it was not published")
    await connect(replica, "team")
    await hear(replica, *(failed(post, error=found) for post in "abcd"))

    assert await codes(replica) == []


async def test_a_network_where_each_account_fails_is_one_alert(replica: Replica) -> None:
    """An app lost its permission: nobody has failed often, and nobody publishes any more."""
    accounts = [f"account {number}" for number in range(5)]
    await connect(replica, *accounts)
    await connect(replica, "elsewhere", platform="y")
    await hear(replica, *(failed("p", account) for account in accounts))
    await hear(replica, published("p", "elsewhere", at=replica.clock.now(), platform="y"))

    (alert,) = await replica.look()

    assert (alert.code, alert.subject) == ("posts_failing", "x")
    assert "'account 0', 'account 1', 'account 2' and 2 more accounts" in alert.message
    assert alert.message.endswith("--account 'account 0' --account 'account 1' --account 'account 2'`")


async def test_accounts_that_fail_now_and_then_on_a_network_that_works_are_no_alert(replica: Replica) -> None:
    accounts = [f"account-{number}" for number in range(5)]
    await connect(replica, "works", *accounts)
    for account in accounts:
        await hear(replica, failed("p", account), published(f"p-{account}", "works", at=replica.clock.now()))

    assert await codes(replica) == []


async def test_it_is_told_again_when_the_number_has_doubled_and_survives_a_restart(replica: Replica) -> None:
    await connect(replica, "team")
    told = []
    for number in range(1, 8):
        running = Replica(replica.database, replica.clock)
        await hear(running, failed(f"p-{number}"))
        told += [alert.message.partition(" on ")[0] for alert in await running.look(RISEN_AFTER)]

    assert told == ["3 posts failed", "6 posts failed"]


@pytest.mark.parametrize(
    "over",
    [
        published("fine", at=NOW + MINUTE),
        AccountConnected(account_id="team", platform="x"),
        AccountDisconnected(account_id="team", platform="x"),
    ],
)
async def test_it_is_over_once_a_post_is_out_or_the_account_is_another(replica: Replica, over: Event) -> None:
    await connect(replica, "team")
    await hear(replica, failed("a"), failed("b"), failed("c"))
    raised = await codes(replica)

    await hear(replica, over)
    later = [told for _ in range(6) for told in await codes(replica)]

    assert [*raised, *later] == ["posts_failing x raised", "posts_failing x resolved"]


async def test_a_post_that_is_found_to_be_out_since_days_proves_nothing_of_now(replica: Replica) -> None:
    await connect(replica, "team")
    await hear(replica, failed("a"), failed("b"), published("found", at=NOW - timedelta(days=2)), failed("c"))

    assert await codes(replica) == ["posts_failing x raised"]


async def test_old_failures_are_forgotten(replica: Replica) -> None:
    await connect(replica, "team")
    await hear(replica, failed("a"), failed("b"), failed("c"))
    replica.clock.advance(timedelta(days=8))

    await Purge(replica.database, replica.clock, replica.stopping).run(
        RULES, RetentionPurgeRequested(before=replica.clock.now() - timedelta(days=7))
    )

    assert await codes(replica) == []


async def test_a_publication_of_tomorrow_hides_no_failures_of_today(replica: Replica) -> None:
    """The publisher's clock was ahead, and is right again."""
    await connect(replica, "a", "b", "c")
    await hear(replica, published("fine", "a", at=NOW + timedelta(days=1)))
    await hear(replica, failed("1", "a"), failed("2", "b"), failed("3", "c"))

    assert await codes(replica) == ["posts_failing x raised"]
