"""Two publishers, one of which is cut off from the database and not from the broker: the other one has all the work."""

import asyncio
import re
import urllib.request
from pathlib import Path

from tests.nodes import Broker
from tests.support.processes import Process
from tests.support.system import a_request, running_system
from tests.support.waiting import eventually
from tests.support.wire import Wire

POSTS = 60
HANDED_ON = re.compile(r'^timeball_messages_total\{result="handed_on".*\} (\d+)', re.MULTILINE)


async def handed_on(process: Process) -> int:
    """How many messages the process has passed on to others."""
    address = f"http://127.0.0.1:{process.port}/metrics"
    metrics = await asyncio.to_thread(lambda: urllib.request.urlopen(address, timeout=5).read().decode())
    return sum(map(int, HANDED_ON.findall(metrics)))


async def test_who_is_cut_off_from_the_database_keeps_no_work_from_who_is_not(
    broker_node: Broker, postgres_url: str, tmp_path: Path
) -> None:
    async with (
        Wire.to(postgres_url) as wire,
        running_system(tmp_path, broker_node, "publisher", publisher=postgres_url) as running,
    ):
        cut_off = await running.start("publisher", env={"TIMEBALL_PUBLISHER_DATABASE_URL": wire.url})
        await running.connect("plain")
        await wire.cut()
        first = [f"first-{number}" for number in range(POSTS)]
        later = [f"later-{number}" for number in range(POSTS)]

        await asyncio.gather(*(running.bus.emit(a_request(post_id)) for post_id in first))
        await eventually(lambda: cut_off.logged("standing_by"), what="it takes no more")
        await eventually(lambda: {sent.post_id for sent in running.sink.ledger} >= set(first), what="all are out")
        before = await handed_on(cut_off)
        await asyncio.gather(*(running.bus.emit(a_request(post_id)) for post_id in later))
        await eventually(lambda: {sent.post_id for sent in running.sink.ledger} >= set(later), what="all are out")

        assert before
        assert await handed_on(cut_off) == before
        assert not cut_off.logged("message_tried_again")
        assert "no messages are taken" in str(await asyncio.to_thread(cut_off.problems))
        assert len(running.sink.ledger) == 2 * POSTS
        wire.mend()
        await eventually(cut_off.is_ready, every=0.1, what="it takes messages again")
        await running.bus.emit(a_request("last"))
        await eventually(lambda: running.sink.ledger[-1].post_id == "last", what="the last one is out")


async def test_who_is_alone_publishes_what_is_late_as_soon_as_the_database_is_back(
    broker_node: Broker, postgres_url: str, tmp_path: Path
) -> None:
    async with (
        Wire.to(postgres_url) as wire,
        running_system(tmp_path, broker_node, "publisher", publisher=wire.url) as running,
    ):
        await running.connect("plain")
        await wire.cut()
        await running.bus.emit(a_request("late", due_in=0))
        (alone,) = running.processes
        await eventually(lambda: alone.logged("standing_by"), what="it takes no more")

        wire.mend()
        await eventually(lambda: running.sink.ledger, what="it is out")

        assert not alone.logged("message_tried_again")
