"""Lateness on all other networks while one hangs: it must be what it is when none does, within a factor of two."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from benchmarks.bench import Bench
from benchmarks.broker import Broker
from benchmarks.figure import TIMEBALL, Reach, Result, ratio
from benchmarks.figures.lateness import publish_steadily
from benchmarks.outcomes import schedule

AHEAD = timedelta(seconds=5)
WITHIN = 60
RETRYING = "publish.retrying"


async def isolation(bench: Bench) -> Result:
    """250 posts a second for 40 seconds, and again on the same system while 1,000 are due on a network that hangs."""
    posts, stuck = bench.size(10_000, 1_000), bench.size(1_000, 500)
    async with bench.system() as running, hanging() as url:
        broker = running.broker
        await running.connect(url, "stuck")
        alone = (await publish_steadily(broker, "alone", posts)).lateness
        await schedule(broker, "stuck", [datetime.now(UTC) + AHEAD] * stuck, WITHIN, account="stuck")
        await _is_felt(broker)
        beside = (await publish_steadily(broker, "beside", posts)).lateness
    rows = {f"{TIMEBALL} alone": alone, f"{TIMEBALL} beside a network that hangs": beside}
    return Result("isolation", rows, [Reach("p99 / alone", ratio(beside["p99"], alone["p99"]), 2)])


async def _is_felt(broker: Broker) -> None:
    """Return once the first posts have been turned away."""
    await broker.wait(RETRYING, 1, WITHIN)


@asynccontextmanager
async def hanging() -> AsyncIterator[str]:
    """The address of a network that takes every request and never answers."""
    connections: list[asyncio.StreamWriter] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        while await reader.read(65_536):
            pass

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/stuck"
    finally:
        server.close()
        for connection in connections:
            connection.close()
