"""Lateness on all other networks while one hangs: it must be what it is when none does, within a factor of two."""

from datetime import UTC, datetime, timedelta

from benchmarks.bench import Bench
from benchmarks.broker import Broker
from benchmarks.figure import TIMEBALL, Reach, Result, ratio
from benchmarks.figures.lateness import publish_steadily
from benchmarks.networks import hanging
from benchmarks.outcomes import schedule

AHEAD = timedelta(seconds=5)
WITHIN = 60
RETRYING = "publish.retrying"


async def isolation(bench: Bench) -> Result:
    """250 posts a second for 20 seconds, and again on the same system while 1,000 are due on a network that hangs."""
    posts, stuck = bench.size(5_000, 1_000), bench.size(1_000, 500)
    async with bench.system() as running, hanging() as url:
        broker = running.broker
        await running.connect(url, "stuck")
        alone = (await publish_steadily(broker, "alone", posts)).lateness
        await schedule(broker, "stuck", [datetime.now(UTC) + AHEAD] * stuck, WITHIN, accounts=("stuck",))
        await _is_felt(broker)
        beside = (await publish_steadily(broker, "beside", posts)).lateness
    rows = {f"{TIMEBALL} alone": alone, f"{TIMEBALL} beside a network that hangs": beside}
    return Result("isolation", rows, [Reach("p99 / alone", ratio(beside["p99"], alone["p99"]), 2)])


async def _is_felt(broker: Broker) -> None:
    """Return once the first posts have been rejected by the circuit breaker."""
    await broker.wait(RETRYING, 1, WITHIN)
