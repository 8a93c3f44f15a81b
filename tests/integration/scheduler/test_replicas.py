"""Several schedulers at once, and schedulers that die: every post is dispatched, and by one of them."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.events.publisher import PublishSkipped
from shared.events.requests import ScheduleBatchRequested, ScheduleCancelRequested
from tests.nodes import Broker
from tests.support.bus import Bus
from tests.support.processes import Process, environment
from tests.support.vhosts import vhosts_of
from tests.support.waiting import eventually
from tests.support.wire import Wire


def batch(name: str, count: int, due: datetime) -> ScheduleBatchRequested:
    """So many posts, all due at one instant."""
    posts: list[Any] = [
        {
            "post_id": f"{name}-{number}",
            "content": "The ball drops.",
            "publish_at": due.isoformat(),
            "targets": [{"account_id": "plain"}],
        }
        for number in range(count)
    ]
    return ScheduleBatchRequested(batch_id=name, posts=tuple(posts))


def dispatched(bus: Bus, prefix: str) -> Counter[str]:
    """How often each post was requested to be published; what is swept is asked for again because nobody answers."""
    posts = (fact.post_id or "" for fact in bus.heard("publish.requested", swept=False))
    return Counter(post_id for post_id in posts if post_id.startswith(prefix))


@asynccontextmanager
async def schedulers(url: str, broker_url: str, folder: Path, count: int) -> AsyncIterator[Sequence[Process]]:
    """Replicas on one database, ready; those still running at the end are killed."""
    replicas = [Process.of("scheduler", environment(folder, broker_url, scheduler=url), folder) for _ in range(count)]
    async with AsyncExitStack() as stack:
        for replica in replicas:
            stack.push_async_callback(replica.kill)
            await replica.start()
        for replica in replicas:
            await replica.ready()
        yield replicas


async def test_two_replicas_dispatch_two_thousand_posts_once_each_and_lose_none_when_killed(
    postgres_url: str, broker_node: Broker, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        lent = stack.enter_context(vhosts_of(broker_node).lent("scheduler"))
        broker_url = lent.url
        bus = await stack.enter_async_context(Bus.connected(broker_url))
        async with schedulers(postgres_url, broker_url, tmp_path, 2) as replicas:
            lent.declared()
            due = datetime.now(UTC) + timedelta(seconds=8)
            for number in range(4):
                await bus.emit(batch(f"even-{number}", 500, due))
            await eventually(lambda: len(dispatched(bus, "even")) == 2000, what="all are dispatched")

            soon = datetime.now(UTC) + timedelta(seconds=2)
            await bus.emit(batch("odd", 300, soon))
            await bus.fact("schedule.batch_settled", batch_id="odd")
            for replica in replicas:
                await replica.kill()
        await eventually(lambda: datetime.now(UTC) > soon, every=0.1)
        await stack.enter_async_context(schedulers(postgres_url, broker_url, tmp_path, 1))
        await eventually(lambda: len(dispatched(bus, "odd")) == 300, what="the late are dispatched")

    assert set(dispatched(bus, "even").values()) == {1}


async def test_a_scheduler_that_was_away_dispatches_what_is_late_at_once(
    sqlite_url: str, broker_node: Broker, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        lent = stack.enter_context(vhosts_of(broker_node).lent("scheduler"))
        broker_url = lent.url
        bus = await stack.enter_async_context(Bus.connected(broker_url))
        wire = await stack.enter_async_context(Wire.to(broker_url))
        (replica,) = await stack.enter_async_context(schedulers(sqlite_url, wire.url, tmp_path, 1))
        lent.declared()
        due = datetime.now(UTC) + timedelta(seconds=2)
        await wire.cut()
        await bus.emit(batch("while-away", 20, due))
        await eventually(lambda: datetime.now(UTC) > due, every=0.1)
        wire.mend()

        settled = await bus.fact("schedule.batch_settled", batch_id="while-away")
        await eventually(lambda: len(dispatched(bus, "while-away")) == 20)
        assert await replica.stop() == 0

    assert len(settled.body["accepted"]) == 20
    requested = bus.heard("publish.requested")
    assert {datetime.fromisoformat(request.body["publish_at"]) for request in requested} == {due}


async def test_what_waits_for_the_publisher_is_answered_though_the_scheduler_that_asked_was_killed(
    postgres_url: str, broker_node: Broker, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        lent = stack.enter_context(vhosts_of(broker_node).lent("scheduler"))
        broker_url = lent.url
        bus = await stack.enter_async_context(Bus.connected(broker_url))
        async with schedulers(postgres_url, broker_url, tmp_path, 1):
            lent.declared()
            await bus.emit(batch("taken-back", 2, datetime.now(UTC) + timedelta(seconds=25)))
            await eventually(lambda: len(dispatched(bus, "taken-back")) == 2, what="both are dispatched")
            await bus.emit(batch("taken-back", 2, datetime.now(UTC) + timedelta(hours=1)))
            await bus.emit(ScheduleCancelRequested(post_id="taken-back-1"))
            settled = await bus.fact("schedule.batch_settled", batch_id="taken-back", count=2)
            await bus.fact("publish.withdraw_requested", count=2)
        for number in range(2):
            post_id = f"taken-back-{number}"
            await bus.emit(
                PublishSkipped(post_id=post_id, account_id="plain", revision=1, reason="superseded"), times=2
            )
        await stack.enter_async_context(schedulers(postgres_url, broker_url, tmp_path, 2))
        await bus.fact("schedule.superseded", post_id="taken-back-0", revision=1, by=2)
        await bus.fact("schedule.cancelled", post_id="taken-back-1", revision=3)

    assert [one["post_id"] for one in settled.body["pending"]] == ["taken-back-0", "taken-back-1"]
    assert settled.body["accepted"] == []
    assert len(bus.heard("schedule.accepted", revision=2)) == 2
    assert len(bus.heard("schedule.cancelled")) == 1
