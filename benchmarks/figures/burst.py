"""How long many posts due in the same instant take until the last is published."""

from datetime import UTC, datetime, timedelta

from benchmarks import usage
from benchmarks.bench import Bench
from benchmarks.figure import TIMEBALL, Reach, Result, ratio
from benchmarks.figures.lateness import cheapness
from benchmarks.outcomes import publish

AHEAD = timedelta(seconds=20)
PATIENCE = 120


async def burst(bench: Bench) -> Result:
    """10,000 posts due at one instant; until the last is sent and recorded as published, and until all is told."""
    posts = bench.size(10_000, 2_000)
    async with bench.system(("scheduler", *["publisher"] * bench.publishers)) as running:
        due = datetime.now(UTC) + AHEAD
        before = usage.cpu_seconds()
        outcomes = await publish(running.broker, "p", [due] * posts, PATIENCE)
        cpu = usage.spent(before, usage.cpu_seconds())
        recorded_at = await running.last_recorded_at()
    ours = {
        "drain_s": round(recorded_at - due.timestamp(), 2),
        "told_s": round(outcomes.last_arrived_at - due.timestamp(), 2),
        **{f"send_start_{name}_ms": value for name, value in outcomes.lateness.items()},
        "publishers": bench.publishers,
        "cpu_ms_a_post": usage.per_post(cpu, posts),
    }
    theirs = await bench.ask_peers("burst", posts)
    rows = {
        name: {"drain_s": round(answer["drain_s"], 2), "cpu_ms_a_post": answer["cpu_ms_a_post"]}
        for name, answer in theirs.items()
    }
    reaches = [Reach(f"drain / {name}", ratio(ours["drain_s"], row["drain_s"]), 1.0) for name, row in rows.items()]
    rows = {TIMEBALL: ours, **rows}
    return Result("burst", rows, [*reaches, *cheapness(rows)], cpu)
