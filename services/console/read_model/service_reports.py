"""What the processes of the services tell of themselves every minute, as the console keeps it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, select

from services.console.tables.reports import service_reports
from shared.database import bulk
from shared.database.engine import Database
from shared.events.maintenance import ServiceReported

SILENT_AFTER = timedelta(minutes=3)
"""A process tells every minute: one that has told nothing for so long runs no more."""

_LATEST = select(service_reports).order_by(service_reports.c.seen_at.desc())


@dataclass(frozen=True, slots=True)
class Report:
    """The latest of what one process told of itself."""

    service: str
    instance: str
    problems: dict[str, str]
    outbox_age_seconds: float | None
    queues: tuple[str, ...]
    seen_at: datetime

    def is_silent(self, now: datetime) -> bool:
        """Whether the process has told nothing for too long."""
        return now - self.seen_at > SILENT_AFTER


class ServiceReports:
    """The latest report of each process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        guard = "service_reports.seen_at <= excluded.seen_at"
        self._learn = bulk.upsert(service_reports, database.dialect, guard=guard)

    async def learn(self, event: ServiceReported, now: datetime) -> None:
        """Keep what a process tells now; it takes the place of what the same process told before."""
        row = event.model_dump(exclude={"problems", "queues"}) | {
            "problems": json.dumps(event.problems, ensure_ascii=False),
            "queues": json.dumps(event.queues),
            "seen_at": now,
        }
        await self._database.write(self._learn, bulk.encode([row]))

    async def latest(self) -> Sequence[Report]:
        """What every process told last, the latest first."""
        return list(map(_report, await self._database.rows(_LATEST)))


def _report(row: RowMapping) -> Report:
    told = {"problems": json.loads(row["problems"]), "queues": tuple(json.loads(row["queues"]))}
    return Report(**(dict(row) | told))
