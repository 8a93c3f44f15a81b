"""How much memory pending posts cost: in the services, which must not grow with them, and in the peer's Redis."""

from benchmarks import usage
from benchmarks.bench import Bench
from benchmarks.figure import TIMEBALL, Reach, Result, ratio
from benchmarks.outcomes import schedule
from benchmarks.posts import far_future
from benchmarks.settle import settle
from benchmarks.system import EVERY, System

FEW = 1_000
LOAD_SECONDS = 400
SETTLE_SECONDS = 120


async def memory(bench: Bench) -> Result:
    """All services with 1,000 and with 1,000,000 posts pending; Redis with 100,000."""
    many = bench.size(1_000_000, 50_000)
    async with bench.system(EVERY) as running:
        few = await _with_pending(running, "few", FEW)
        lots = await _with_pending(running, "many", many - FEW)
    theirs = await bench.ask_peers("pending", bench.size(100_000, 20_000), own=True)
    rows = {
        f"{TIMEBALL} {FEW:,} pending": few,
        f"{TIMEBALL} {many:,} pending": lots,
        **{name: {"redis_bytes_per_job": answer["redis_bytes_per_job"]} for name, answer in theirs.items()},
    }
    reaches = [Reach(f"{kind} growth", ratio(lots[f"{kind}_mib"], few[f"{kind}_mib"]), 1.2) for kind in ("rss", "pss")]
    return Result("memory", rows, reaches)


async def _with_pending(running: System, prefix: str, posts: int) -> dict[str, float]:
    """Memory in MiB with so many more posts pending: the services together, then each program."""
    await schedule(running.broker, prefix, far_future(posts), LOAD_SECONDS)
    await settle(running.services, SETTLE_SECONDS)
    programs = usage.memory()
    services = [programs[name] for name in running.services]
    return {
        "rss_mib": round(sum(each.rss for each in services), 1),
        "pss_mib": round(sum(each.pss for each in services), 1),
        **{name: size.pss for name, size in programs.items() if name != usage.LOADER},
    }
