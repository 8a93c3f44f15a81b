"""Lateness on all other networks while thousands of posts fall due on one that begins to hang: as if it were well."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

from benchmarks.bench import Bench
from benchmarks.broker import Broker
from benchmarks.figure import TIMEBALL, Reach, Result, ratio
from benchmarks.figures.lateness import AHEAD, PATIENCE, PER_SECOND
from benchmarks.networks import answering, hanging
from benchmarks.outcomes import outcomes, schedule, until_published
from benchmarks.posts import spread

CROWD, OTHERS = "crowd", "others"


async def onset(bench: Bench) -> Result:
    """250 posts a second, and 5,000 due at one instant in their middle: on a network that is well, or that hangs."""
    posts, crowd = bench.size(5_000, 1_000), bench.size(5_000, 500)
    well = await _lateness(bench, answering, posts, crowd, published=posts + crowd)
    hangs = await _lateness(bench, hanging, posts, crowd, published=posts)
    rows = {f"{TIMEBALL} beside one that is well": well, f"{TIMEBALL} beside one that hangs": hangs}
    return Result("onset", rows, [Reach("p99 / well", ratio(hangs["p99"], well["p99"]), 2)])


async def _lateness(
    bench: Bench,
    network: Callable[[], AbstractAsyncContextManager[str]],
    posts: int,
    crowd: int,
    *,
    published: int,
) -> dict[str, float]:
    async with bench.system() as running, network() as url:
        await running.connect(url, CROWD)
        return await _others_beside_a_crowd(running.broker, posts, crowd, published)


async def _others_beside_a_crowd(broker: Broker, posts: int, crowd: int, published: int) -> dict[str, float]:
    span = timedelta(seconds=posts / PER_SECOND)
    starts_at = datetime.now(UTC) + AHEAD
    patience = (AHEAD + span).total_seconds() + PATIENCE
    await schedule(broker, OTHERS, spread(posts, starts_at, span), patience)
    await schedule(broker, CROWD, [starts_at + span / 2] * crowd, patience, accounts=(CROWD,))
    await until_published(broker, published, patience)
    return outcomes(broker, posts, OTHERS).lateness
