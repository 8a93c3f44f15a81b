"""One run: start everything, ask for posts, spoil it, and look what became of them."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg

from deploy.local.broker_node import BrokerNode
from deploy.local.postgres_node import PostgresNode
from shared.events.requests import RetryPolicy, ScheduleRequested, Target
from tests.chaos.stage import Stage
from tests.chaos.verdict import Ending, faults
from tests.fakes.sink import ACCEPT, LOST_REPLY, refuse
from tests.nodes import manage
from tests.support.bus import FINAL, QUEUE
from tests.support.databases import plain
from tests.support.processes import Process
from tests.support.system import SECRET, System, in_seconds, started, system
from tests.support.waiting import eventually

SERVICES = ("scheduler", "scheduler", "publisher", "publisher", "console", "monitor", "maintenance")
SHORT = {"TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS": "1.5", "TIMEBALL_PUBLISHER_LEASE_SECONDS": "4"}
SOON = RetryPolicy(attempts=50, first_delay_seconds=0.5, longest_delay_seconds=2)
DEDUPLICATING, ASKED, PLAIN = "hook", "asked", "plain"
ACCOUNTS = (DEDUPLICATING, ASKED, PLAIN)
ANSWERS, HOW_OFTEN = (ACCEPT, LOST_REPLY, refuse(503)), (8, 1, 1)
"""How the network answers the first request about a post."""
SLOWEST = 0.8
"""Seconds that an answer may take: whenever a publisher is killed, some of its requests are under way."""


async def run(
    folder: Path,
    postgres: PostgresNode,
    *,
    seed: int,
    seconds: float,
    posts_per_second: float = 10,
    say: Callable[[str], None] = print,
) -> list[str]:
    """What is wrong after so many seconds, in a line each."""
    chance, broker = random.Random(seed), BrokerNode(folder / "broker")
    databases = {one: postgres.create_database(f"{one}_{seed}") for one in dict.fromkeys(SERVICES)}
    async with _running(folder, broker, databases) as (running, processes):
        posts = await _ask(running, chance, seconds, round(seconds * posts_per_second))
        await Stage(processes, broker, chance, say).spoil(seconds)
        for process in processes:
            await process.ready()
        say(f"all runs again; waiting for what became of {len(posts)} posts")
        for post_id in posts:
            await running.bus.outcome(post_id)
        endings = [_ending(running, *post) for post in posts.items()]
        say(f"told: {dict(Counter(ending.told for ending in endings))}")
        return faults(endings, deduplicating=(DEDUPLICATING, ASKED)) + await _left_standing(
            running, broker, databases.values()
        )


@asynccontextmanager
async def _running(
    folder: Path, broker: BrokerNode, databases: dict[str, str]
) -> AsyncIterator[tuple[System, list[Process]]]:
    await asyncio.to_thread(broker.start)
    try:
        async with system(folder, broker, **databases) as running:
            processes = await started(running, *SERVICES, env=SHORT)
            await running.connect(DEDUPLICATING, "webhook", credentials={"secret": SECRET})
            await running.connect(ASKED, answers_lookups=True)
            await running.connect(PLAIN, answers_lookups=False)
            yield running, processes
            await asyncio.gather(*(process.stop() for process in processes))
    finally:
        await asyncio.to_thread(broker.kill)


async def _ask(running: System, chance: random.Random, seconds: float, count: int) -> dict[str, str]:
    """Schedule posts over the whole time; the account of each."""
    running.sink.slow = lambda _: chance.uniform(0, SLOWEST)
    posts = {f"post-{number:04}": chance.choice(ACCOUNTS) for number in range(count)}
    first = in_seconds(2)
    for post_id, account_id in posts.items():
        running.sink.will_answer(post_id, chance.choices(ANSWERS, HOW_OFTEN)[0])
        due_at = first + timedelta(seconds=chance.uniform(0, seconds))
        targets = (Target(account_id=account_id),)
        await running.bus.emit(
            ScheduleRequested(post_id=post_id, content=post_id, publish_at=due_at, targets=targets, retry=SOON)
        )
    return posts


def _ending(running: System, post_id: str, account_id: str) -> Ending:
    told = running.bus.heard(*FINAL, post_id=post_id)
    return Ending(post_id, account_id, told[-1].type if told else None, running.sink.appearances()[post_id])


async def _left_standing(running: System, broker: BrokerNode, databases: Iterable[str]) -> list[str]:
    """The queues and outboxes that do not become empty, in a line each."""
    vhost = quote(urlsplit(running.env["TIMEBALL_BROKER_URL"]).path[1:], safe="")
    listed = json.loads(await asyncio.to_thread(manage, broker, "GET", f"/api/queues/{vhost}?columns=name,exclusive"))
    queues = [one["name"] for one in listed if one["name"] != QUEUE and not one["exclusive"]]
    standing: dict[str, int] = {}

    async def empty() -> bool:
        depths = {name: await running.bus.depth(name) for name in queues}
        rows = {f"the outbox of {urlsplit(url).path[1:]}": await _outbox(url) for url in databases}
        standing.clear()
        standing.update({name: count for name, count in (depths | rows).items() if count})
        return not standing

    with suppress(AssertionError):
        await eventually(empty, every=0.5)
    return [f"{count} stand in {name}" for name, count in standing.items()]


async def _outbox(url: str) -> int:
    connection = await asyncpg.connect(plain(url))
    try:
        return int(await connection.fetchval("SELECT count(*) FROM outbox"))
    finally:
        await connection.close()
