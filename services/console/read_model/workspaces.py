"""Workspaces in the read model as they were asked for last, and what was found for them. Targets are not kept."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import to_json
from sqlalchemy import RowMapping, Select, false, func, select

from services.console.cursor import Cursor
from services.console.tables.workspaces import digests, mentions, workspace_decisions, workspace_targets, workspaces
from shared.database import bulk
from shared.database.engine import Database
from shared.database.paging import is_before
from shared.events.monitor import DigestSent, MentionFound, WorkspaceAccepted, WorkspaceRejected, WorkspaceRemoved
from shared.events.requests import WorkspaceConfigured

CLOCKS_DIFFER = timedelta(minutes=5)
"""What says that it comes from further in the future comes from now, as for the monitor: its clock was wrong."""

Decision = WorkspaceAccepted | WorkspaceRejected | WorkspaceRemoved


class Workspaces:
    """What the console knows of workspaces."""

    def __init__(self, database: Database) -> None:
        self._database = database
        newer = "workspaces.configured_at <= excluded.configured_at"
        self._configure = bulk.upsert(workspaces, database.dialect, guard=newer)
        newest = "workspace_targets.configured_at <= excluded.configured_at"
        self._set_targets = bulk.upsert(workspace_targets, database.dialect, guard=newest)
        later = "workspace_decisions.decided_at <= excluded.decided_at"
        self._decide = bulk.upsert(workspace_decisions, database.dialect, guard=later)
        self._insert_digest = bulk.insert_missing(digests, database.dialect)

    async def configured(self, event: WorkspaceConfigured, now: datetime, *, has_targets: bool | None = None) -> None:
        """Learn what a workspace is to be; older news changes nothing."""
        said = event.configured_at or now
        row = {
            "workspace_id": event.workspace_id,
            "monitoring_enabled": event.monitoring_enabled,
            "subreddits": to_json(event.subreddits).decode(),
            "keywords": to_json([keyword.model_dump(exclude_defaults=True) for keyword in event.keywords]).decode(),
            "notify": event.notify,
            "digest": event.digest.model_dump_json() if event.digest else None,
            "configured_at": now if said > now + CLOCKS_DIFFER else said,
        }
        async with self._database.transaction() as connection:
            await connection.execute(self._configure, bulk.encode([row]))
            if has_targets is not None or not event.keep_notify:
                told = event.sealed_notify is not None if has_targets is None else has_targets
                of_targets = {name: row[name] for name in ("workspace_id", "configured_at")} | {"has_targets": told}
                await connection.execute(self._set_targets, bulk.encode([of_targets]))

    async def decided(self, fact: Decision, now: datetime) -> None:
        """Learn what the monitor says of a workspace; an older word changes nothing."""
        row = {
            "workspace_id": fact.workspace_id,
            "decided_at": fact.decided_at or now,
            "rejection": fact.reason if isinstance(fact, WorkspaceRejected) else None,
            "removed_at": fact.removed_at if isinstance(fact, WorkspaceRemoved) else None,
        }
        await self._database.write(self._decide, bulk.encode([row]))

    async def digest_sent(self, event: DigestSent, now: datetime) -> None:
        """Learn of a day's digest; the same again changes nothing."""
        await self._database.write(self._insert_digest, bulk.encode([{**event.model_dump(), "seen_at": now}]))

    async def digests(self, workspace_id: str, limit: int) -> Sequence[RowMapping]:
        """The digests that a workspace has got, the latest first."""
        of_workspace = select(digests).where(digests.c.workspace_id == workspace_id)
        return await self._database.rows(of_workspace.order_by(digests.c.day.desc()).limit(limit))

    async def known(self, workspace_id: str | None = None) -> Sequence[RowMapping]:
        """Every workspace, or the one that is named."""
        wanted = _BY_ID if workspace_id is None else _BY_ID.where(workspaces.c.workspace_id == workspace_id)
        return await self._database.rows(wanted)

    async def page(self, after: str, limit: int) -> Sequence[RowMapping]:
        """Workspaces by their ids after one of them."""
        return await self._database.rows(_BY_ID.where(workspaces.c.workspace_id > after).limit(limit))

    async def mentions(self, workspace_id: str | None, after: Cursor | None, limit: int) -> Sequence[RowMapping]:
        """A page of what was found, the latest first."""
        place = (mentions.c.created_at, mentions.c.workspace_id, mentions.c.item_id)
        wanted = select(mentions).order_by(*(column.desc() for column in place)).limit(limit)
        if workspace_id is not None:
            wanted = wanted.where(mentions.c.workspace_id == workspace_id)
        if after:
            wanted = wanted.where(is_before(place, after))
        return await self._database.rows(wanted)


def mention_row(event: MentionFound, now: datetime) -> dict[str, Any]:
    """The row that holds a mention."""
    return {**event.model_dump(exclude={"keywords"}), "keywords": to_json(event.keywords).decode(), "seen_at": now}


def cursor_of(mention: RowMapping) -> Cursor:
    """Where a page that ends with this mention goes on."""
    return Cursor(mention["created_at"], mention["workspace_id"], mention["item_id"])


def _by_id() -> Select[Any]:
    decided = workspaces.c.workspace_id == workspace_decisions.c.workspace_id
    of_targets = workspaces.c.workspace_id == workspace_targets.c.workspace_id
    known = workspaces.outerjoin(workspace_decisions, decided).outerjoin(workspace_targets, of_targets)
    has_targets = func.coalesce(workspace_targets.c.has_targets, false()).label("has_targets")
    columns = select(workspaces, workspace_decisions.c.rejection, has_targets)
    removed_at = workspace_decisions.c.removed_at
    is_there = removed_at.is_(None) | (workspaces.c.configured_at > removed_at)
    return columns.select_from(known).where(is_there).order_by(workspaces.c.workspace_id)


_BY_ID = _by_id()
