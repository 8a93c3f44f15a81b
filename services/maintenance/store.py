"""Every query of accounts, reports, alerts and notifications. Outcomes and job runs have files of their own."""

import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, and_, false, func, or_, select, update

from services.maintenance.domain import (
    REFRESH_AHEAD,
    SHORT_LIFE,
    SHORT_LIVES_WITHIN,
    SILENT_AFTER,
    STILL_SO,
    Account,
    Alert,
    Report,
    Tried,
)
from services.maintenance.tables import accounts, alerts, notifications, reports, turns
from shared.database import bulk
from shared.database.engine import Database
from shared.events.maintenance import Overdue
from shared.messaging.outbox import Outbox
from shared.messaging.unit_of_work import UnitOfWork, unit_of_work

Key = tuple[str, str]


class Unit(UnitOfWork["Store"]):
    """One transaction's queries; what it emits is relayed after the commit."""

    async def account_to_change(self, account_id: str) -> Account | None:
        """One account, locked until the commit."""
        wanted = select(accounts).where(accounts.c.account_id == account_id).with_for_update()
        row = (await self.connection.execute(wanted)).mappings().one_or_none()
        return _account(row) if row else None

    async def accounts_to_refresh(self, now: datetime) -> list[Account]:
        """The connected accounts whose token ends soon, locked until the commit; others may be at work on some."""
        soon = select(accounts).where(accounts.c.connected, accounts.c.token_expires_at <= now + REFRESH_AHEAD)
        rows = (await self.connection.execute(soon.with_for_update(skip_locked=True))).mappings()
        return [account for account in map(_account, rows) if account.is_to_be_refreshed(now)]

    async def save_accounts(self, changed: Iterable[Account]) -> None:
        """Write accounts; older news changes nothing."""
        rows = [bulk.row_of(account) for account in changed]
        if rows:
            await self.connection.execute(self.store.write_account, bulk.encode(rows))

    async def take_turn(self, name: str, *, every: timedelta, now: datetime) -> bool:
        """Whether this is due; no other replica does it until the commit, nor before it is due again.

        A turn that was taken later than now was taken under a clock since set back, and keeps nobody.
        """
        await self.connection.execute(self.store.make_turn, bulk.encode([{"name": name, "taken_at": now - every}]))
        is_due = (turns.c.taken_at <= now - every) | (turns.c.taken_at > now + every)
        due = update(turns).where(turns.c.name == name, is_due)
        return (await self.connection.execute(due.values(taken_at=now))).rowcount > 0

    async def last_turn(self, name: str) -> datetime | None:
        """When this was last done."""
        taken_at: datetime | None = (
            await self.connection.execute(select(turns.c.taken_at).where(turns.c.name == name))
        ).scalar()
        return taken_at

    async def alerts(self) -> dict[Key, Alert]:
        """Every alert that is open."""
        rows = (await self.connection.execute(select(alerts))).mappings()
        return {alert.key: alert for alert in (Alert(**row) for row in rows)}

    async def save_alerts(self, kept: Sequence[Alert], forgotten: Sequence[Key]) -> None:
        """Write the open alerts, and forget others."""
        if kept:
            await self.connection.execute(self.store.write_alerts, bulk.encode_records(kept))
        if forgotten:
            over = [{"code": code, "subject": subject} for code, subject in forgotten]
            await self.connection.execute(self.store.delete_alerts, bulk.encode(over))


class Store:
    """Maintenance's database."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self.outbox = outbox
        dialect = database.dialect
        self.write_account = bulk.upsert(accounts, dialect, guard="accounts.changed_at <= excluded.changed_at")
        self.write_alerts = bulk.upsert(alerts, dialect, guard="true")
        self.delete_alerts = bulk.delete_by_key(alerts, dialect)
        self.make_turn = bulk.insert_missing(turns, dialect)
        self._write_report = bulk.upsert(reports, dialect, guard="reports.reported_at <= excluded.reported_at")
        self._write_notification = bulk.upsert(notifications, dialect, guard="true")

    def unit(self) -> AbstractAsyncContextManager[Unit]:
        """A transaction; after its commit what it emitted is relayed."""
        return unit_of_work(lambda connection: Unit(self, connection), self._database, self.outbox)

    async def accounts(self) -> list[Account]:
        """Every account that has an end or needs a person."""
        ends = accounts.c.token_expires_at.is_not(None) | accounts.c.refresh_expires_at.is_not(None)
        return list(map(_account, await self._database.rows(select(accounts).where(ends | accounts.c.needs_reconnect))))

    async def save_report(self, report: Report) -> None:
        """Keep the latest report of a process."""
        row = bulk.row_of(report) | {
            "problems": json.dumps(report.problems),
            "queues": json.dumps(report.queues),
            "overdue": report.overdue.model_dump_json() if report.overdue else None,
        }
        await self._database.write(self._write_report, bulk.encode([row]))

    async def reports(self) -> list[Report]:
        """Each service's last report and those shortly before it; processes that ended earlier are not looked at."""
        c = reports.c
        newest = await self._database.rows(select(c.service, func.max(c.reported_at).label("at")).group_by(c.service))
        recent = [and_(c.service == row["service"], c.reported_at > row["at"] - SILENT_AFTER) for row in newest]
        return [_report(row) for row in await self._database.rows(select(reports).where(or_(false(), *recent)))]

    async def short_lives(self, now: datetime) -> dict[str, int]:
        """How many processes of each service have reported at their start and never again, of late."""
        c = reports.c
        is_over = c.reported_at.between(now - SHORT_LIVES_WITHIN, now - STILL_SO)
        counted = select(c.service, func.count().label("processes")).group_by(c.service).order_by(c.service)
        ended = counted.where(is_over, c.up_seconds < SHORT_LIFE.total_seconds())
        return {row["service"]: row["processes"] for row in await self._database.rows(ended)}

    async def raised_at(self, code: str, subject: str) -> datetime | None:
        """When an alert was last raised; None where it is over."""
        c = alerts.c
        rows = await self._database.rows(select(c.told_at).where(c.code == code, c.subject == subject))
        return rows[0]["told_at"] if rows else None

    async def attempts(self, message_id: str) -> dict[str, Tried]:
        """By target, how often it has been tried with a message, whether it took it, and when it was tried last."""
        c = notifications.c
        wanted = select(c.target, c.attempts, c.is_sent, c.tried_at).where(c.message_id == message_id)
        found = await self._database.rows(wanted)
        return {row["target"]: Tried(row["attempts"], bool(row["is_sent"]), row["tried_at"]) for row in found}

    async def save_attempt(
        self, message_id: str, target: str, attempts: int, *, is_sent: bool, tried_at: datetime
    ) -> None:
        """Note how an attempt at a target went."""
        row = {"message_id": message_id, "target": target, "attempts": attempts, "is_sent": is_sent}
        row |= {"tried_at": tried_at}
        await self._database.write(self._write_notification, bulk.encode([row]))


def _account(row: RowMapping) -> Account:
    return Account(**row)


def _report(row: RowMapping) -> Report:
    told = {
        "problems": json.loads(row["problems"]),
        "queues": tuple(json.loads(row["queues"])),
        "overdue": Overdue.model_validate_json(row["overdue"]) if row["overdue"] else None,
    }
    return Report(**{**row, **told})
