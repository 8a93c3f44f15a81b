"""Whether the database's machine shows the same time as ours: a service whose clock is wrong takes posts for late that
are not, and the attempts of others for abandoned."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import text

from shared.clocks.clock import Clock
from shared.database.engine import Database
from shared.database.errors import ClocksApart

MOST_APART = timedelta(seconds=5)
_NOW = text("SELECT clock_timestamp()")


async def database_now(database: Database, clock: Clock) -> datetime:
    """The time for replicas that compare it with one another's: the database's; an SQLite file is read by our own."""
    if database.dialect == "sqlite":
        return clock.now()
    (row,) = await database.rows(_NOW)
    now: datetime = row["clock_timestamp"]
    return now


async def try_clock(database: Database, now: Callable[[], datetime]) -> None:
    """Raise ClocksApart unless both show about the same; an SQLite file is read by our own."""
    if database.dialect == "sqlite":
        return
    before = now()
    (row,) = await database.rows(_NOW)
    ahead, behind = before - row["clock_timestamp"], row["clock_timestamp"] - now()
    apart = max(ahead, behind)
    if apart > MOST_APART:
        side = "ahead of" if ahead > behind else "behind"
        raise ClocksApart(
            f"this machine's clock is {round(apart.total_seconds())} s {side} the database's; set right the wrong "
            "one: meanwhile posts may be sent early or late, held, or reported as unknown"
        )
