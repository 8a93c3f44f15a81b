"""How long after its due instant a post starts to be sent, at a steady 250 posts a second."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from benchmarks import usage
from benchmarks.bench import Bench
from benchmarks.broker import Broker
from benchmarks.figure import TIMEBALL, Reach, Result, ratio
from benchmarks.outcomes import Outcomes, publish
from benchmarks.posts import spread

PER_SECOND = 250
AHEAD = timedelta(seconds=15)
PATIENCE = 60


async def lateness(bench: Bench) -> Result:
    """5,000 posts of 400 bytes on 100 accounts, due at random instants within 20 seconds."""
    posts = bench.size(5_000, 1_000)
    async with bench.system() as running:
        before = usage.cpu_seconds()
        ours = (await publish_steadily(running.broker, "p", posts)).lateness
        cpu = usage.spent(before, usage.cpu_seconds())
    theirs = await bench.ask_peers("spread", posts, f"--span={posts * 1000 // PER_SECOND}")
    rows = {TIMEBALL: ours | {"cpu_ms_a_post": usage.per_post(cpu, posts)}}
    rows |= {
        name: answer["send_start_ms"] | {"cpu_ms_a_post": answer["cpu_ms_a_post"]} for name, answer in theirs.items()
    }
    reaches = [Reach("p50 ms", ours["p50"], 2), Reach("p99 ms", ours["p99"], 10), *cheapness(rows)]
    return Result("lateness", rows, reaches, cpu)


def cheapness(rows: Mapping[str, Mapping[str, float]]) -> list[Reach]:
    """The CPU of a post against each peer's."""
    ours = rows[TIMEBALL]["cpu_ms_a_post"]
    return [
        Reach(f"cpu / {name}", ratio(ours, row["cpu_ms_a_post"]), 1.25)
        for name, row in rows.items()
        if name != TIMEBALL
    ]


async def publish_steadily(broker: Broker, prefix: str, posts: int, per_second: int = PER_SECOND) -> Outcomes:
    """Publish so many posts a second, the first some seconds from now."""
    span = timedelta(seconds=posts / per_second)
    dues = spread(posts, datetime.now(UTC) + AHEAD, span)
    return await publish(broker, prefix, dues, (AHEAD + span).total_seconds() + PATIENCE)
