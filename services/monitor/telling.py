"""Tells the console what the monitor keeps: workspaces without their targets, and what was found for them."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, literal, select, tuple_

from services.monitor.tables import mentions, workspaces
from shared.database.engine import Database
from shared.events.monitor import MentionFound
from shared.events.rebuilding import FactTold, StateTold, WorkspaceTold
from shared.events.requests import WorkspaceConfigured
from shared.messaging.telling import PAGE, in_parts

_KEY = (mentions.c.workspace_id, mentions.c.item_id)


@dataclass(frozen=True)
class Kept:
    """What the monitor keeps, as it is told."""

    service: str
    database: Database

    async def parts(self) -> AsyncIterator[StateTold]:
        """Every workspace, and every mention that is not yet too old."""
        last = ""
        while rows := await self._workspaces(last):
            for some in in_parts(rows, lambda row: len(row.subreddits) + len(row.keywords)):
                yield StateTold(service=self.service, workspaces=tuple(map(_workspace_told, some)))
            last = rows[-1].workspace_id
        after = ("", "")
        while found := await self._mentions(after):
            for told in in_parts(found, lambda row: len(row.title)):
                yield StateTold(service=self.service, facts=tuple(map(_mention_told, told)))
            after = found[-1].workspace_id, found[-1].item_id

    async def _workspaces(self, after: str) -> Sequence[Row[Any]]:
        workspace_id = workspaces.c.workspace_id
        wanted = select(workspaces).where(workspace_id > after).order_by(workspace_id).limit(PAGE)
        async with self.database.reading() as connection:
            return (await connection.execute(wanted)).all()

    async def _mentions(self, after: tuple[str, str]) -> Sequence[Row[Any]]:
        bounds = [literal(value, column.type) for value, column in zip(after, _KEY, strict=True)]
        wanted = select(mentions).where(tuple_(*_KEY) > tuple_(*bounds)).order_by(*_KEY).limit(PAGE)
        async with self.database.reading() as connection:
            return (await connection.execute(wanted)).all()


def _workspace_told(row: Row[Any]) -> WorkspaceTold:
    asked = {
        "workspace_id": row.workspace_id,
        "monitoring_enabled": bool(row.enabled),
        "subreddits": json.loads(row.subreddits),
        "keywords": json.loads(row.keywords),
        "notify": "at_once" if row.tells_at_once else "digest",
        "digest": json.loads(row.digest) if row.digest else None,
        "configured_at": (row.configured_at or row.updated_at).isoformat(),
    }
    workspace = WorkspaceConfigured.model_validate_json(json.dumps(asked))
    return WorkspaceTold(workspace=workspace, has_targets=bool(json.loads(row.target_ids)))


def _mention_told(row: Row[Any]) -> FactTold:
    found = MentionFound(
        workspace_id=row.workspace_id,
        subreddit=row.subreddit,
        item_id=row.item_id,
        kind=row.kind,
        title=row.title,
        url=row.url,
        author=row.author,
        keywords=tuple(json.loads(row.phrases)),
        created_at=row.created_at,
    )
    return FactTold(type=found.type, correlation_id=row.workspace_id, body=json.loads(found.body()))
