"""Alerts in the read model: what should not be, from when to when, as maintenance tells of it.

An alert is known by its code, its subject and since when it is so; what comes back later is another one. So facts may
come in any order: what is raised again says more of the same one, and its end is final.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    text,
    true,
)

from services.console.cursor import Cursor
from services.console.tables.reports import MOST_OF_A_SUBJECT, alerts
from shared.database import bulk
from shared.database.engine import Database, InstantColumn
from shared.database.paging import is_before
from shared.events.maintenance import AlertRaised
from shared.events.rebuilding import AlertKey, OpenAlerts

QUIET_AFTER = timedelta(days=2)
"""Maintenance tells of what lasts once a day: what it has been silent about for so long, it does not know any more."""
RARELY_TOLD = {"account_access_ends": timedelta(days=8)}
"""Codes that are told at certain times only: 14, 7 and 1 days before an access ends."""
JUST_TOLD = timedelta(minutes=1)
"""What was told so shortly before may have been overlooked by who says what is open."""
MOST_OF_A_MESSAGE = 4_000
_SHOWN = ("code", "subject", "since", "severity", "message", "told_at", "resolved_at")
_OVER = re.compile("^over: ", re.IGNORECASE)
"""How the message of an end begins."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert; `told_at` is when it was last said to be so, `resolved_at` is None where nobody told of its end."""

    code: str
    subject: str
    since: datetime
    severity: str
    message: str
    told_at: datetime | None
    resolved_at: datetime | None
    is_open: bool

    @property
    def cursor(self) -> Cursor:
        """Where a page ends."""
        return Cursor(self.since, self.code, self.subject)


class Alerts:
    """What the console knows of alerts. In whatever order facts come, and however often, it ends up the same."""

    def __init__(self, database: Database) -> None:
        self._database = database
        c, dialect = alerts.c, database.dialect
        is_newer = "alerts.told_at IS NULL OR alerts.told_at <= excluded.told_at"
        self._raise = bulk.upsert(alerts, dialect, guard=is_newer, stay=[c.resolved_at])
        is_earlier = "alerts.resolved_at IS NULL OR alerts.resolved_at > excluded.resolved_at"
        self._resolve = bulk.upsert(alerts, dialect, guard=is_earlier, stay=[c.severity, c.message, c.told_at])
        self._resolve_these = _resolving(dialect)

    async def learn(self, alert: AlertRaised, sent_at: datetime, now: datetime) -> None:
        """Learn that something is so, or is over."""
        is_over = alert.state == "resolved"
        row = {
            "code": alert.code,
            "subject": _stored(alert.subject, MOST_OF_A_SUBJECT),
            "since": alert.since or sent_at,
            "severity": alert.severity,
            "message": _stored(_OVER.sub("", alert.message) if is_over else alert.message, MOST_OF_A_MESSAGE),
            "told_at": None if is_over else sent_at,
            "resolved_at": sent_at if is_over else None,
            "seen_at": now,
        }
        await self._database.write(self._resolve if is_over else self._raise, bulk.encode([row]))

    async def only_open(self, told: OpenAlerts, now: datetime) -> None:
        """Learn which alerts are open: all others that were told before are over."""
        open_ = {(one.code, _stored(one.subject, MOST_OF_A_SUBJECT), one.since) for one in told.alerts}
        instants = {"as_of": told.as_of, "before": told.as_of - JUST_TOLD, "now": now}
        known = [AlertKey(**row) for row in await self._database.rows(_NOT_RESOLVED)]
        over = [one.model_dump() for one in known if told.says_of(one) and one.place not in open_]
        if over:
            await self._database.write(self._resolve_these, bulk.encode(over) | instants)

    async def listed(self, state: str | None, after: Cursor | None, limit: int, now: datetime) -> Sequence[Alert]:
        """A page of alerts, the latest first: those that are raised, that are resolved, or all."""
        place = (alerts.c.since, alerts.c.code, alerts.c.subject)
        wanted = _in_state(state).order_by(*(column.desc() for column in place)).limit(limit)
        if after:
            wanted = wanted.where(is_before(place, after))
        return list(map(_alert, await self._database.rows(wanted, _told_after(now))))

    async def worst(self, limit: int, now: datetime, *, but_for: Collection[str]) -> tuple[Sequence[Alert], int]:
        """The worst that are open, but for these codes, the latest first among equals; and how many there are."""
        rows = await self._database.rows(_WORST, {"limit": limit, "but_for": list(but_for)} | _told_after(now))
        return list(map(_alert, rows)), rows[0]["total"] if rows else 0


def _stored(text_: str, most: int) -> str:
    return text_.replace("\x00", "")[:most]


def _alert(row: RowMapping) -> Alert:
    return Alert(**{name: row[name] for name in _SHOWN}, is_open=bool(row["is_open"]))


def _in_state(state: str | None) -> Select[Any]:
    """Those that are raised, that are resolved, or all; each with whether it is open."""
    if state is None:
        return select(alerts, case((_IS_OPEN, true()), else_=false()).label("is_open"))
    is_wanted = state == "raised"
    return select(alerts, literal(is_wanted).label("is_open")).where(_IS_OPEN if is_wanted else not_(_IS_OPEN))


def _is_open() -> ColumnElement[bool]:
    """Whether it is told of, and neither its end nor, since, another one of the same code and subject."""
    c, later = alerts.c, alerts.alias("later").c
    is_same = and_(later.code == c.code, later.subject == c.subject)
    is_later = and_(later.since > c.since, func.coalesce(later.told_at, later.since) >= c.told_at)
    return and_(c.resolved_at.is_(None), _is_told(), not_(exists().where(is_same, is_later)))


def _is_told() -> ColumnElement[bool]:
    c = alerts.c
    rarely = (and_(c.code == code, c.told_at > bindparam(f"{code}_after")) for code in RARELY_TOLD)
    return or_(c.told_at > bindparam("told_after"), *rarely)


def _told_after(now: datetime) -> dict[str, datetime]:
    """The instants of `_IS_OPEN`: after which what is so has been told of."""
    rarely = {f"{code}_after": now - patience for code, patience in RARELY_TOLD.items()}
    return rarely | {"told_after": now - QUIET_AFTER}


def _worst() -> Select[Any]:
    """Those that are open, but for some codes: the worst first, then the latest; each with how many there are."""
    c = alerts.c
    grade = case((c.severity == "critical", 0), (c.severity == "warning", 1), else_=2)
    wanted = _in_state("raised").add_columns(func.count().over().label("total"))
    wanted = wanted.where(c.code.not_in(bindparam("but_for", expanding=True)))
    return wanted.order_by(grade, c.since.desc(), c.code, c.subject).limit(bindparam("limit"))


_IS_OPEN = _is_open()
_WORST = _worst()
_NOT_RESOLVED = select(alerts.c.code, alerts.c.subject, alerts.c.since).where(alerts.c.resolved_at.is_(None))


def _resolving(dialect: str) -> Any:
    """The statement that ends what is given, unless it has been told again since."""
    c = alerts.c
    given = bulk.rows_of([c.code, c.subject, c.since], dialect)
    same = " AND ".join(f"given.{name} = alerts.{name}" for name in ("code", "subject", "since"))
    statement = (
        "UPDATE alerts SET resolved_at = :as_of, seen_at = :now WHERE resolved_at IS NULL AND told_at < :before "
        f"AND EXISTS (SELECT 1 FROM {given} WHERE {same})"
    )
    return text(statement).bindparams(*(bindparam(name, type_=InstantColumn()) for name in ("as_of", "now", "before")))
