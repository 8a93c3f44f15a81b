"""Nothing stands still: overdue posts on limited accounts all leave, once, whatever happens to the publisher."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from shared.events.requests import AccountLimits, RetryPolicy
from shared.events.scheduler import PublishRequested
from tests.nodes import Broker
from tests.support.system import SECRET, System, a_request, running_system
from tests.support.waiting import eventually

ACCOUNTS = [f"account-{number}" for number in range(10)]
KILLS = 5
ENOUGH = RetryPolicy(attempts=KILLS + 1)
"""Each death of its sender uses an attempt."""


async def limited(running: System, per_second: int) -> None:
    """Ten accounts with a limit of their own."""
    limits = AccountLimits(per_second=per_second)
    for account_id in ACCOUNTS:
        await running.connect(account_id, "webhook", credentials={"secret": SECRET}, limits=limits)


def overdue(count: int, **more: Any) -> list[PublishRequested]:
    """So many posts that were due a minute ago, spread over the accounts."""
    spread = [(f"post-{number:03}", ACCOUNTS[number % len(ACCOUNTS)]) for number in range(count)]
    return [a_request(post_id, account_id, due_in=-60, **more) for post_id, account_id in spread]


async def all_succeed(running: System, requests: Sequence[PublishRequested], *, times: int = 1) -> None:
    """Every post is told to have succeeded, and appears on the network once."""
    await asyncio.gather(*(running.bus.emit(request, times=times) for request in requests))
    await eventually(
        lambda: len({fact.post_id for fact in running.bus.heard("publish.succeeded")}) == len(requests),
        every=0.2, what="all are published",
    )  # fmt: skip
    told = Counter(fact.type for fact in running.bus.facts if fact.type in {"publish.failed", "publish.unknown"})
    assert not told
    assert running.sink.appearances() == dict.fromkeys((request.post_id for request in requests), 1)


@pytest.mark.parametrize(
    ("count", "per_second", "times"), [(300, 1000, 1), (600, 1000, 1), (600, 1000, 3), (600, 100, 1)]
)
async def test_overdue_posts_on_limited_accounts_all_leave(  # noqa: PLR0917
    broker_node: Broker, tmp_path: Path, database_url: str, count: int, per_second: int, times: int
) -> None:
    async with running_system(tmp_path, broker_node, "publisher", publisher=database_url) as running:
        await limited(running, per_second)

        await all_succeed(running, overdue(count), times=times)


async def test_overdue_posts_all_leave_though_the_publisher_is_killed_again_and_again(
    broker_node: Broker, tmp_path: Path, database_url: str
) -> None:
    env = {"TIMEBALL_PUBLISHER_LEASE_SECONDS": "12", "TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS": "10"}
    async with running_system(tmp_path, broker_node, "publisher", env=env, publisher=database_url) as running:
        await limited(running, 1000)
        leaving = asyncio.create_task(all_succeed(running, overdue(600, retry=ENOUGH)))

        for number in range(1, KILLS + 1):
            await eventually(lambda seen=100 * number: len(running.sink.ledger) >= seen)  # type: ignore[misc]
            await running.processes[-1].kill()
            await running.start("publisher", env=env)
        await leaving
