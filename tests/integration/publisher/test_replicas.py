"""Three publishers on one account: its limit holds at the network, and posts leave in the order they are due.

A publisher that is too busy for its start is passed by the others, so that order is exact only on an idle machine.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path

from shared.events.publisher import AccountConnected
from shared.events.requests import AccountLimits
from tests.nodes import Broker
from tests.support.publisher_rows import starts
from tests.support.system import System, a_request, in_seconds, running_system
from tests.support.waiting import PATIENCE, eventually

MILLISECOND = timedelta(milliseconds=1)


def most_within(instants: Sequence[datetime], length: timedelta) -> int:
    """The largest number of instants in any stretch of this length."""
    ordered = sorted(instants)
    return max(sum(start <= instant < start + length for instant in ordered) for start in ordered)


async def publish_shuffled(running: System, posts: Sequence[str], *, due_in: float) -> None:
    """Have these posts fall due a millisecond after one another, asked for in any order."""
    due_at = in_seconds(due_in)
    requests = [a_request(post_id, publish_at=due_at + number * MILLISECOND) for number, post_id in enumerate(posts)]
    random.shuffle(requests)
    await asyncio.gather(*map(running.bus.emit, requests))


async def limited(running: System, per_second: int) -> None:
    await running.ask_to_connect("plain", limits=AccountLimits(per_second=per_second))
    await running.bus.fact(AccountConnected.type, account_id="plain")


def most_passed_by(start_at: Mapping[str, datetime]) -> timedelta:
    """How much later at most a post began than one that is due after it."""
    in_due_order = [start_at[post_id] for post_id in sorted(start_at)]
    latest_before = accumulate(in_due_order, max)
    return max(latest - begun for latest, begun in zip(latest_before, in_due_order, strict=True))


async def test_three_publishers_keep_the_limit_and_the_order_of_one_account(
    broker_node: Broker, postgres_url: str, tmp_path: Path
) -> None:
    most, posts = 10, [f"post-{number:03}" for number in range(500)]
    three = ("publisher",) * 3
    async with running_system(tmp_path, broker_node, *three, publisher=postgres_url) as running:
        await limited(running, most)

        await publish_shuffled(running, posts, due_in=20)
        await eventually(
            lambda: len(running.sink.answered) >= len(posts), what="all are published", within=4 * PATIENCE
        )

        ledger = list(running.sink.ledger)
        start_at = await starts(postgres_url, "plain")
    took = max(start_at.values()) - min(start_at.values())
    assert most_passed_by(start_at) < took / 4  # in no order it would be most of it
    assert most_within(list(start_at.values()), timedelta(seconds=1)) <= most
    assert sorted(sent.post_id for sent in ledger) == posts
    assert all(sent.at >= start_at[sent.post_id] for sent in ledger)
