"""Faults of broker and database that end: afterwards everything is on time, and nothing rests among the dead."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg
import pytest

from deploy.local.postgres_node import PostgresNode
from shared.events.requests import ScheduleRequested, Target
from tests.nodes import Broker, alarm, manage, permit
from tests.support.databases import plain
from tests.support.processes import Process
from tests.support.system import System, in_seconds, running_system, started, system
from tests.support.waiting import LATE, eventually, until, with_time_enough

SECOND = timedelta(seconds=1)
SUCCEEDED = "publish.succeeded"
WHEEL = [f"timeball.delay.{slot:02}" for slot in range(64)]


async def schedule(running: System, post_id: str, due_at: datetime) -> None:
    """Ask for a post on the plain account."""
    targets = (Target(account_id="plain"),)
    await running.bus.emit(ScheduleRequested(post_id=post_id, content=post_id, publish_at=due_at, targets=targets))


async def sent_at(running: System, post_id: str) -> datetime:
    """When the post appeared, which it did once."""
    outcome = await running.bus.outcome(post_id)
    assert (outcome.type, running.sink.appearances()[post_id]) == (SUCCEEDED, 1), outcome.body
    return running.sink.requests(post_id)[0].at


async def is_told(service: Process, what: str) -> None:
    """Return once `/readyz` names the problem."""

    async def told() -> bool:
        return what in str(await asyncio.to_thread(service.problems))

    await eventually(told, every=0.2, what=f"{what} is told")


@pytest.fixture
async def running(tmp_path: Path, broker_node: Broker) -> AsyncIterator[System]:
    async with system(tmp_path, broker_node) as running:
        yield running


async def test_what_is_due_after_an_alarm_goes_out_on_time(running: System, broker_node: Broker) -> None:
    """Those that were to be handed to the wheel during the alarm as well."""
    scheduler, _ = await started(running, "scheduler", "publisher")
    await running.connect("plain")

    async def after_an_alarm(lead: float) -> dict[str, timedelta] | None:
        """How late each was; None where the alarm has lasted until the first was nearly due."""
        now = in_seconds(0)
        dues = {f"post-{lead + later:g}": in_seconds(lead + later) for later in (0, 1, 3, 5, 9)}
        for post_id, due_at in dues.items():
            await schedule(running, post_id, due_at)
        for post_id in dues:
            await running.bus.fact("schedule.accepted", post_id=post_id)
        async with alarm(broker_node) as lift:
            await is_told(scheduler, "takes no messages")
            await until(now + lead * 2 / 3 * SECOND)
            await lift()
            is_in_time = in_seconds(lead / 6) < min(dues.values())
            late = {post_id: await sent_at(running, post_id) - due_at for post_id, due_at in dues.items()}
        return late if is_in_time else None

    late = await with_time_enough(after_an_alarm, lead=35)
    assert max(late.values()) < LATE, late


def vhost_of(running: System) -> str:
    return quote(urlsplit(running.env["TIMEBALL_BROKER_URL"]).path[1:], safe="")


async def delete_queues(running: System, broker: Broker, *names: str) -> None:
    for name in names:
        await asyncio.to_thread(manage, broker, "DELETE", f"/api/queues/{vhost_of(running)}/{name}")


async def are_there(running: System, broker: Broker, *names: str) -> None:
    """Return once the broker has all of these queues."""

    async def all_there() -> bool:
        listed = json.loads(await asyncio.to_thread(manage, broker, "GET", f"/api/queues/{vhost_of(running)}"))
        return set(names) <= {queue["name"] for queue in listed}

    await eventually(all_there, every=0.2, what="the queues are there again")


async def test_queues_and_exchanges_deleted_under_a_running_service_are_there_again(
    running: System, broker_node: Broker
) -> None:
    scheduler, publisher = await started(running, "scheduler", "publisher")
    await running.connect("plain")
    queues = (*WHEEL, "scheduler.requests", "publisher.requests", "scheduler.outcomes")
    await delete_queues(running, broker_node, *queues)
    await are_there(running, broker_node, *queues)
    await scheduler.ready()
    await publisher.ready()
    due_at = in_seconds(6)
    await schedule(running, "post-1", due_at)
    assert await sent_at(running, "post-1") - due_at < LATE

    await asyncio.to_thread(manage, broker_node, "DELETE", f"/api/exchanges/{vhost_of(running)}/timeball.delayed")
    due_at = in_seconds(8)
    await schedule(running, "post-2", due_at)
    assert await sent_at(running, "post-2") - due_at < LATE


async def test_posts_whose_messages_are_gone_from_the_wheel_go_out_on_time(
    running: System, broker_node: Broker
) -> None:
    """The sweep alone would ask for them half a minute after they were due."""
    scheduler, _ = await started(running, "scheduler", "publisher")
    await running.connect("plain")

    async def after_they_are_gone(lead: float) -> timedelta | None:
        """How late the post was; None where it may have left the wheel before that was deleted."""
        await are_there(running, broker_node, *WHEEL)
        post_id, due_at = f"post-{lead:g}", in_seconds(lead)
        await schedule(running, post_id, due_at)

        async def rests_or_is_due() -> bool:
            return due_at < in_seconds(0) or await running.bus.depth(*WHEEL) == 1

        await eventually(rests_or_is_due, every=0.2, what="the post is in the wheel")
        await delete_queues(running, broker_node, *WHEEL)
        is_in_time = in_seconds(lead / 6) < due_at
        late = await sent_at(running, post_id) - due_at
        return late if is_in_time else None

    assert await with_time_enough(after_they_are_gone, lead=24) < LATE
    assert scheduler.logged("delayed_messages_gone")


async def recovers(service: Process) -> None:
    """Return once it is ready; one that ends, as its consumers do not come back, is started once more."""

    async def is_ready_or_ended() -> bool:
        return not service.running or await service.is_ready()

    await eventually(is_ready_or_ended, every=0.1, what=f"{service.name} is ready, or has ended")
    if not service.running:
        await service.start()
        await service.ready()


async def test_a_vhost_that_is_deleted_and_made_again_costs_no_post(running: System, broker_node: Broker) -> None:
    services = await started(running, "scheduler", "publisher")
    await running.connect("plain")
    now = in_seconds(0)
    dues = {f"post-{offset}": now + timedelta(seconds=offset) for offset in (10, 20, 45)}
    for post_id, due_at in dues.items():
        await schedule(running, post_id, due_at)
        await running.bus.fact("schedule.accepted", post_id=post_id)

    vhost = vhost_of(running)
    await asyncio.to_thread(manage, broker_node, "DELETE", f"/api/vhosts/{vhost}")
    await is_told(services[0], f"the broker refuses: vhost {vhost} not found")
    await asyncio.to_thread(manage, broker_node, "PUT", f"/api/vhosts/{vhost}")
    await asyncio.to_thread(permit, broker_node, vhost)
    for service in services:
        await recovers(service)
    ready_at = in_seconds(0)

    for post_id in dues:
        await sent_at(running, post_id)
    assert await sent_at(running, "post-45") - max(dues["post-45"], ready_at) < LATE
    assert await asyncio.gather(*(service.stop() for service in services)) == [0, 0]


@asynccontextmanager
async def read_only(postgres: PostgresNode) -> AsyncIterator[Callable[[], Coroutine[Any, Any, None]]]:
    """The server takes no writes, as in a failover, until the answer is awaited or the block ends."""

    async def alter(change: str) -> None:
        connection = await asyncpg.connect(host="127.0.0.1", port=postgres.port, user="postgres", database="postgres")
        await connection.execute(f"ALTER SYSTEM {change}")
        await connection.execute("SELECT pg_reload_conf()")
        await connection.close()

    async def end() -> None:
        await alter("RESET default_transaction_read_only")

    await alter("SET default_transaction_read_only = on")
    try:
        yield end
    finally:
        await end()


async def test_a_read_only_database_parks_no_request_and_they_are_answered_afterwards(
    tmp_path: Path, broker_node: Broker, postgres_node: PostgresNode
) -> None:
    database = postgres_node.create_database("read_only")
    async with running_system(tmp_path, broker_node, "scheduler", scheduler=database) as running:
        (scheduler,) = running.processes
        async with read_only(postgres_node) as end:
            await is_told(scheduler, "read-only")
            for number in range(20):
                await schedule(running, f"post-{number}", in_seconds(3600))
            await eventually(lambda: scheduler.logged("standing_by"), what="it takes no more")
            await eventually(lambda: _all_wait(running), every=0.3, what="all wait in the queue")
            await end()

            for number in range(20):
                await running.bus.fact("schedule.accepted", post_id=f"post-{number}")
        await scheduler.ready()
        assert await running.bus.depth("scheduler.dead") == 0
    postgres_node.drop_database("read_only")


async def _all_wait(running: System) -> bool:
    return await running.bus.depth("scheduler.requests") == 20


@pytest.mark.parametrize("left_open", ["ALTER TABLE schedules ADD note text", "LOCK TABLE schedules IN SHARE MODE"])
async def test_a_table_that_is_locked_for_long_is_named(
    tmp_path: Path, broker_node: Broker, postgres_node: PostgresNode, left_open: str
) -> None:
    """The database takes writes, so that asking for one in general finds nothing wrong."""
    database = postgres_node.create_database("locked")
    async with running_system(tmp_path, broker_node, "scheduler", scheduler=database) as running:
        (scheduler,) = running.processes
        connection = await asyncpg.connect(plain(database))
        async with connection.transaction():
            await connection.execute(left_open)
            await is_told(scheduler, f"schedules by its process {connection.get_server_pid()}")
            await schedule(running, "post-1", in_seconds(3600))
        await connection.close()

        await running.bus.fact("schedule.accepted", post_id="post-1")
        await scheduler.ready()
    postgres_node.drop_database("locked")


async def test_a_service_that_starts_before_its_database_waits_for_it_and_says_why(
    tmp_path: Path, broker_node: Broker, nodes_directory: Path
) -> None:
    node = PostgresNode(nodes_directory / "late", durable=False)
    await asyncio.to_thread(node.start)
    database = node.create_database("late")
    await asyncio.to_thread(node.kill)
    try:
        async with system(tmp_path, broker_node, scheduler=database) as running:
            scheduler = await running.start("scheduler", ready=False)
            await eventually(lambda: scheduler.logged("database_not_reached"), what="it says that it waits")

            await asyncio.to_thread(node.start)
            await scheduler.ready()

            assert "connection refused" in scheduler.logged("database_not_reached")[0]["reason"]
    finally:
        await asyncio.to_thread(node.kill)
