"""Every query of what became of posts, and of the figures of days."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.maintenance.days import Day
from services.maintenance.failures import Failure, Failures, Publication
from services.maintenance.post_conditions import Lateness
from services.maintenance.tables import days, outcomes
from shared.database import bulk
from shared.database.engine import LONG_READ, Database, InstantColumn
from shared.events.base import ErrorDetail
from shared.events.maintenance import AccountFigures

PUBLISHED, FAILED, UNKNOWN = "published", "failed", "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a post on one account."""

    post_id: str
    account_id: str
    revision: int
    kind: str
    attempts: int
    platform: str | None
    occurred_at: datetime
    lateness_ms: float | None
    error: ErrorDetail | None = None
    """Why it failed for good; None where a person said that it did."""

    @property
    def key(self) -> tuple[str, str, int, str, int]:
        return self.post_id, self.account_id, self.revision, self.kind, self.attempts


def _failures(outcomes: Iterable[Outcome]) -> list[Failure]:
    return [
        Failure(one.account_id, one.post_id, one.occurred_at, one.error.code, one.error.message)
        for one in outcomes
        if one.kind == FAILED and one.error
    ]


def _publications(outcomes: Iterable[Outcome]) -> list[Publication]:
    return [
        Publication(one.account_id, one.platform or "unknown", one.occurred_at)
        for one in outcomes
        if one.kind == PUBLISHED
    ]


_FIGURES = text("""
WITH known AS (
    SELECT outcomes.account_id, COALESCE(outcomes.platform, accounts.platform, 'unknown') AS platform,
        kind, lateness_ms, attempts - COALESCE((
            SELECT max(earlier.attempts) FROM outcomes AS earlier
            WHERE earlier.post_id = outcomes.post_id AND earlier.account_id = outcomes.account_id
                AND earlier.revision = outcomes.revision AND earlier.occurred_at < outcomes.occurred_at
        ), 0) AS attempts
    FROM outcomes LEFT JOIN accounts ON accounts.account_id = outcomes.account_id
    WHERE occurred_at >= :start AND occurred_at < :end
), placed AS (
    SELECT account_id, platform, kind, attempts, lateness_ms,
        row_number() OVER (PARTITION BY account_id, platform, kind ORDER BY lateness_ms) AS place,
        count(*) OVER (PARTITION BY account_id, platform, kind) AS together
    FROM known
)
SELECT account_id, platform,
    sum(CASE WHEN kind = 'published' THEN 1 ELSE 0 END) AS published,
    sum(CASE WHEN kind = 'failed' THEN 1 ELSE 0 END) AS failed,
    sum(CASE WHEN kind = 'unknown' THEN 1 ELSE 0 END) AS unknown,
    sum(attempts) AS attempts,
    min(CASE WHEN kind = 'published' AND place * 100 >= together * 50 THEN lateness_ms END) AS p50_lateness_ms,
    min(CASE WHEN kind = 'published' AND place * 100 >= together * 99 THEN lateness_ms END) AS p99_lateness_ms
FROM placed GROUP BY account_id, platform ORDER BY account_id, platform
""").bindparams(bindparam("start", type_=InstantColumn()), bindparam("end", type_=InstantColumn()))
"""A percentile is the least lateness that so many of a hundred do not exceed; no attempt is counted twice."""


class Outcomes:
    """What became of posts, in maintenance's database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.failures = Failures(database)
        self._insert = bulk.insert_missing(outcomes, database.dialect)
        self._write_day = bulk.upsert(days, database.dialect, guard="days.figures <> excluded.figures")

    async def learn(self, group: Sequence[Outcome]) -> Sequence[None]:
        """Keep outcomes; the same one again changes nothing."""
        told = {outcome.key: outcome for outcome in group}
        rows = bulk.encode_records(told[key] for key in sorted(told))
        async with self._database.transaction() as connection:
            new = [told[tuple(key)] for key in await connection.execute(self._insert, rows)]
            await self.failures.learn(connection, _failures(new), _publications(new))
        return [None] * len(group)

    async def oldest_at(self) -> datetime | None:
        """When the oldest outcome that is kept came about."""
        (row,) = await self._database.rows(select(func.min(outcomes.c.occurred_at).label("oldest")))
        oldest: datetime | None = row["oldest"]
        return oldest

    async def days_told(self) -> set[str]:
        """The days whose figures have been told."""
        return {row["day"] for row in await self._database.rows(select(days.c.day))}

    async def figures(self, day: Day) -> tuple[AccountFigures, ...]:
        """What a day adds up to, by account and platform."""
        async with self._database.reading(within=LONG_READ) as connection:
            rows = (await connection.execute(_FIGURES, {"start": day.start, "end": day.end})).mappings()
            return tuple(AccountFigures(**row) for row in rows)

    async def save_day(self, connection: AsyncConnection, day: Day, figures: Iterable[str], now: datetime) -> bool:
        """Keep a day's figures, in a caller's transaction; False where they are as they were told."""
        row = {"day": day.name, "ended_at": day.end, "aggregated_at": now, "figures": f"[{','.join(figures)}]"}
        return (await connection.execute(self._write_day, bulk.encode([row]))).rowcount > 0

    async def lateness_since(self, since: datetime) -> Lateness:
        """How late posts were sent since then, those aside that the network refused at first."""
        sent = (outcomes.c.occurred_at >= since, outcomes.c.kind == PUBLISHED, outcomes.c.attempts <= 1)
        async with self._database.reading() as connection:
            sends = (await connection.execute(select(func.count()).where(*sent))).scalar() or 0
            slowest = select(outcomes.c.lateness_ms).where(*sent).order_by(outcomes.c.lateness_ms.desc())
            p99 = (await connection.execute(slowest.limit(1).offset(sends // 100))).scalar()
        return Lateness(sends, p99 or 0.0)
