"""Posts that should be out, and of which nothing is heard: whatever stands still, wherever, shows here."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from prometheus_client import Gauge
from sqlalchemy import Subquery, and_, func, or_, select, text, union_all

from services.scheduler.tables import AWAITING_DISPATCH, AWAITING_OUTCOME, schedules
from shared.clocks.clock import Clock
from shared.database.engine import Database
from shared.events.maintenance import Overdue
from shared.events.progress import OVERDUE_AFTER

UNHEARD_SWEEPS = 2
"""Where the second repetition goes unheard too, it is no message that was lost."""
MOST_COUNTED = 10_000
"""Enough to know that everything stands still."""

OVERDUE = Gauge(
    "timeball_overdue_posts", "Posts that should be out, and of which nothing is heard, a minute ago or less"
)


def overdue_posts(database: Database, clock: Clock) -> Callable[[], Awaitable[Overdue | None]]:
    """What says how many posts are overdue, and which was due first; None where none is."""

    async def found() -> Overdue | None:
        overdue = _overdue(clock.now() - OVERDUE_AFTER)
        rows = await database.rows(select(overdue).order_by(overdue.c.publish_at).limit(1))
        if not rows:
            OVERDUE.set(0)
            return None
        counted = select(func.count().label("count")).select_from(select(overdue).limit(MOST_COUNTED).subquery())
        count = max((await database.rows(counted))[0]["count"], 1)  # the one may have gone out between the two
        OVERDUE.set(count)
        return Overdue(count=count, **rows[0])

    return found


def _overdue(before: datetime) -> Subquery:
    """Due before then and not dispatched; dispatched in vain; or not told of when they should have been tried again.

    Each half has its own index.
    """
    c = schedules.c
    due = select(c.post_id, c.publish_at).where(c.publish_at <= before)
    is_unheard = or_(c.outcome_expected_at <= before, and_(c.state == "dispatched", c.sweeps >= UNHEARD_SWEEPS))
    return union_all(due.where(text(AWAITING_DISPATCH)), due.where(text(AWAITING_OUTCOME), is_unheard)).subquery()
