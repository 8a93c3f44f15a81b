"""Lateness while a million other posts wait: it must be what it is on an empty system."""

from benchmarks.bench import Bench
from benchmarks.figure import TIMEBALL, Reach, Result, ratio
from benchmarks.figures.lateness import publish_steadily
from benchmarks.outcomes import schedule
from benchmarks.posts import far_future
from benchmarks.settle import settle

LOAD_SECONDS = 400
SETTLE_SECONDS = 120


async def lateness_loaded(bench: Bench) -> Result:
    """The lateness figure on an empty system, and again on the same with 1,000,000 posts pending."""
    posts, pending = bench.size(5_000, 1_000), bench.size(1_000_000, 50_000)
    async with bench.system() as running:
        broker = running.broker
        empty = (await publish_steadily(broker, "empty", posts)).lateness
        await schedule(broker, "pending", far_future(pending), LOAD_SECONDS)
        await settle(running.services, SETTLE_SECONDS)
        loaded = (await publish_steadily(broker, "loaded", posts)).lateness
    rows = {f"{TIMEBALL} empty": empty, f"{TIMEBALL} {pending:,} pending": loaded}
    return Result("lateness_loaded", rows, [Reach("p99 / empty", ratio(loaded["p99"], empty["p99"]), 1.5)])
