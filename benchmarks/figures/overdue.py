"""How soon overdue posts on limited accounts leave."""

import json
from datetime import UTC, datetime, timedelta

from benchmarks.bench import Bench
from benchmarks.figure import TIMEBALL, Reach, Result
from benchmarks.outcomes import SUCCEEDED, schedule, until_published
from benchmarks.system import System

ACCOUNTS = 20
LIMITS = (10, 100, 1000, None)
OVERDUE = timedelta(seconds=30)
PATIENCE = 300
MOST_OF_THE_BOUND, LEAST_A_SECOND = 1.25, 300


async def overdue(bench: Bench) -> Result:
    """2,000 posts, overdue by 30 seconds, on 20 accounts limited to 10, 100 and 1,000 a second, and not at all."""
    each = bench.size(2_000, 400) // ACCOUNTS
    seconds = {}
    for limit in LIMITS:
        async with bench.system() as running:
            seconds[limit] = await _drained(running, limit, each)
    rows = {f"limit_{limit or 'none'}_s": round(took, 2) for limit, took in seconds.items()}
    return Result("overdue", {TIMEBALL: rows}, [_reach(limit, took, each) for limit, took in seconds.items()])


async def _drained(running: System, limit: int | None, each: int) -> float:
    """Seconds from the first send to the last."""
    broker, accounts = running.broker, [f"o{number}" for number in range(ACCOUNTS)]
    await running.connect(running.sink_url, *accounts, limits={"per_second": limit} if limit else None)
    broker.forget()
    due = datetime.now(UTC) - OVERDUE
    dues = [due + number * timedelta(milliseconds=1) for number in range(ACCOUNTS * each)]
    await schedule(broker, "o", dues, PATIENCE, accounts=accounts)
    await until_published(broker, ACCOUNTS * each, PATIENCE)
    sent = [datetime.fromisoformat(json.loads(fact.body)["published_at"]) for fact in broker.facts[SUCCEEDED]]
    took = (max(sent) - min(sent)).total_seconds()
    if limit and took < _bound(limit, each):
        raise RuntimeError(f"{each} posts of an account took {took:g} s: its limit of {limit} a second was not kept")
    return took


def _bound(limit: int, each: int) -> int:
    """The whole seconds that the limit alone makes them take."""
    return (each - 1) // limit


def _reach(limit: int | None, took: float, each: int) -> Reach:
    """At most 1.25 times the limit's own bound where that is what holds them up, else 300 posts a second."""
    bound = _bound(limit, each) if limit else 0
    if bound * LEAST_A_SECOND > ACCOUNTS * each:
        return Reach(f"time at {limit}/s / bound", round(took / bound, 2), MOST_OF_THE_BOUND)
    return Reach(f"posts/s at {limit or 'no limit'}", round(ACCOUNTS * each / took), LEAST_A_SECOND, at_least=True)
