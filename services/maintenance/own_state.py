"""Tells the console what maintenance keeps: the alerts that are open."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, select

from services.maintenance.tables import alerts
from shared.clocks.clock import Clock
from shared.database.engine import Database
from shared.database.paging import pages
from shared.events.maintenance import AlertRaised
from shared.events.rebuilding import AlertKey, FactTold, OpenAlerts, StateTold
from shared.messaging.rebuild_answers import PAGE, in_parts

_KEY = (alerts.c.code, alerts.c.subject)
_OF_A_KEY = 100
"""Characters beside its subject."""


@dataclass(frozen=True)
class OwnState:
    """What maintenance keeps, as a console that is built anew is told of it."""

    service: str
    database: Database
    clock: Clock

    async def parts(self) -> AsyncIterator[StateTold]:
        """Every alert that was told and is open, and then that these are all."""
        as_of, keys = self.clock.now(), list[AlertKey]()
        async for page in pages(self.database, select(alerts).where(alerts.c.told_at.is_not(None)), _KEY, PAGE):
            for some in in_parts(page, lambda row: len(row["message"])):
                yield StateTold(service=self.service, facts=tuple(map(_raised, some)))
            keys += map(_key, page)
        for part in _open_alerts(sorted(keys, key=lambda one: one.place), as_of):
            yield StateTold(service=self.service, open_alerts=part)


def _open_alerts(keys: Sequence[AlertKey], as_of: datetime) -> Iterator[OpenAlerts]:
    """Which alerts are open, part by part: together they say of every alert whether it is."""
    parts = list(in_parts(keys, lambda one: len(one.subject) + _OF_A_KEY)) or [()]
    ends = [None, *(part[-1] for part in parts[:-1]), None]
    for part, after, until in zip(parts, ends, ends[1:], strict=False):
        yield OpenAlerts(as_of=as_of, alerts=part, after=after, until=until)


def _key(row: RowMapping) -> AlertKey:
    return AlertKey(code=row["code"], subject=row["subject"], since=row["seen_at"])


def _raised(row: RowMapping) -> FactTold:
    fact = AlertRaised(
        severity=row["severity"],
        code=row["code"],
        subject=row["subject"],
        message=row["message"],
        since=row["seen_at"],
    )
    correlation_id = f"{fact.code} {fact.subject}"
    return FactTold(
        type=fact.type, correlation_id=correlation_id, body=json.loads(fact.body()), changed_at=row["told_at"]
    )
