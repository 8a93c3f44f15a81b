"""How many schedules a second are accepted one at a time, and which program's CPU they cost."""

import time

from benchmarks import usage
from benchmarks.bench import Bench
from benchmarks.figure import TIMEBALL, Reach, Result
from benchmarks.posts import far_future, singles

IN_FLIGHT = 2_000
PATIENCE = 120
ACCEPTED = "schedule.accepted"


async def single(bench: Bench) -> Result:
    """20,000 posts, a `schedule.requested` each; until the last `schedule.accepted` has arrived here."""
    posts = bench.size(20_000, 4_000)
    async with bench.system() as running:
        broker = running.broker
        messages = [broker.encode("schedule.requested", body) for body in singles("p", far_future(posts))]
        before, started = usage.cpu_seconds(), time.time()
        await broker.emit_windowed(messages, ACCEPTED, IN_FLIGHT, PATIENCE)
        cpu = usage.spent(before, usage.cpu_seconds())
        rate = round(posts / (broker.last_at[ACCEPTED] - started))
    return Result(
        "single", {TIMEBALL: {"accepted_per_s": rate}}, [Reach("accepted/s", rate, 1_500, at_least=True)], cpu
    )
