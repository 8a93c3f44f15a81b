"""How many schedules a second are accepted from an import, 500 posts a request."""

import time

from benchmarks import usage
from benchmarks.bench import Bench
from benchmarks.broker import IncompleteError
from benchmarks.figure import TIMEBALL, Reach, Result, ratio
from benchmarks.posts import batches, far_future

IN_FLIGHT = 20
PATIENCE = 180
SETTLED = "schedule.batch_settled"


async def bulk(bench: Bench) -> Result:
    """100,000 posts in batches; until the last `schedule.batch_settled` has arrived here."""
    posts = bench.size(100_000, 20_000)
    async with bench.system() as running:
        broker = running.broker
        messages = [broker.encode("schedule.batch_requested", body) for body in batches("p", far_future(posts))]
        before, started = usage.cpu_seconds(), time.time()
        await broker.emit_windowed(messages, SETTLED, IN_FLIGHT, PATIENCE)
        cpu = usage.spent(before, usage.cpu_seconds())
        if broker.settled_posts != posts:
            raise IncompleteError(f"{posts} posts to be accepted, {broker.settled_posts} were")
        ours = round(posts / (broker.last_at[SETTLED] - started))
    theirs = await bench.ask_peers("pending", posts, own=True)
    theirs |= await bench.ask_peers("burst", posts // 10, own=False)
    rows = {name: {"accepted_per_s": answer["accept_per_s"]} for name, answer in theirs.items()}
    reaches = [
        Reach(f"accepted / {name}", ratio(ours, row["accepted_per_s"]), 1.2, at_least=True)
        for name, row in rows.items()
    ]
    return Result("bulk", {TIMEBALL: {"accepted_per_s": ours}, **rows}, reaches, cpu)
