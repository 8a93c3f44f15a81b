"""Lateness and CPU as the load grows: at each rate on both sides, in one run."""

from benchmarks import usage
from benchmarks.bench import Bench
from benchmarks.figure import TIMEBALL, Reach, Result, ratio
from benchmarks.figures.lateness import publish_steadily

RATES = (50, 100, 250, 500)
SECONDS = 20
P99_THAT_COUNTS = 50.0
"""Milliseconds: the load at which the 99th percentile passes them is told."""
Row = dict[str, float]


async def curve(bench: Bench) -> Result:
    """20 seconds of posts at 50, 100, 250 and 500 a second: p50, p99, and CPU milliseconds a post."""
    seconds = bench.size(SECONDS, SECONDS // 4)
    sides: dict[str, Row] = {TIMEBALL: {}}
    async with bench.system() as running:
        for rate in RATES:
            before = usage.cpu_seconds()
            ours = (await publish_steadily(running.broker, f"r{rate}-", rate * seconds, rate)).lateness
            cpu = usage.per_post(usage.spent(before, usage.cpu_seconds()), rate * seconds)
            sides[TIMEBALL] |= _at(rate, ours, cpu)
    for rate in RATES:
        for name, answer in (await bench.ask_peers("spread", rate * seconds, f"--span={seconds * 1000}")).items():
            sides.setdefault(name, {}).update(_at(rate, answer["send_start_ms"], answer["cpu_ms_a_post"]))
    return Result("curve", {name: row | {"passes": _passes(row)} for name, row in sides.items()}, _ahead(sides))


def _at(rate: int, lateness: Row, cpu: float) -> Row:
    return {f"p50@{rate}": lateness["p50"], f"p99@{rate}": lateness["p99"], f"cpu@{rate}": cpu}


def _passes(row: Row) -> int:
    """The lowest rate at which p99 is more than 50 ms; 0 where it is at none."""
    return next((rate for rate in RATES if row[f"p99@{rate}"] > P99_THAT_COUNTS), 0)


def _ahead(sides: dict[str, Row]) -> list[Reach]:
    """Ours is ahead of every peer at every rate."""
    peers = [(name, row) for name, row in sides.items() if name != TIMEBALL]
    return [
        Reach(f"p99@{rate} / {name}", ratio(sides[TIMEBALL][f"p99@{rate}"], row[f"p99@{rate}"]), 1.0)
        for name, row in peers
        for rate in RATES
    ]
