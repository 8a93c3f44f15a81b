"""Tells the console what the monitor keeps: workspaces without their targets, and what was found for them."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import RowMapping, select

from services.monitor.tables import mentions, workspaces
from shared.database.engine import Database
from shared.database.paging import pages
from shared.events.monitor import MentionFound
from shared.events.rebuilding import FactTold, StateTold, WorkspaceTold
from shared.events.requests import WorkspaceConfigured
from shared.messaging.rebuild_answers import PAGE, in_parts

_KEY = (mentions.c.workspace_id, mentions.c.item_id)


@dataclass(frozen=True)
class OwnState:
    """What the monitor keeps, as a console that is built anew is told of it."""

    service: str
    database: Database

    async def parts(self) -> AsyncIterator[StateTold]:
        """Every workspace, and every mention that is not yet too old."""
        async for page in pages(self.database, select(workspaces), (workspaces.c.workspace_id,), PAGE):
            for some in in_parts(page, lambda row: len(row["subreddits"]) + len(row["keywords"])):
                yield StateTold(service=self.service, workspaces=tuple(map(_workspace_told, some)))
        async for page in pages(self.database, select(mentions), _KEY, PAGE):
            for found in in_parts(page, lambda row: len(row["title"])):
                yield StateTold(service=self.service, facts=tuple(map(_mention_told, found)))


def _workspace_told(row: RowMapping) -> WorkspaceTold:
    asked = {
        "workspace_id": row["workspace_id"],
        "monitoring_enabled": bool(row["enabled"]),
        "subreddits": json.loads(row["subreddits"]),
        "keywords": json.loads(row["keywords"]),
        "notify": "at_once" if row["tells_at_once"] else "digest",
        "digest": json.loads(row["digest"]) if row["digest"] else None,
        "configured_at": (row["configured_at"] or row["updated_at"]).isoformat(),
    }
    workspace = WorkspaceConfigured.model_validate_json(json.dumps(asked))
    return WorkspaceTold(workspace=workspace, has_targets=bool(json.loads(row["target_ids"])))


def _mention_told(row: RowMapping) -> FactTold:
    found = MentionFound(
        workspace_id=row["workspace_id"],
        subreddit=row["subreddit"],
        item_id=row["item_id"],
        kind=row["kind"],
        title=row["title"],
        url=row["url"],
        author=row["author"],
        keywords=tuple(json.loads(row["phrases"])),
        created_at=row["created_at"],
    )
    return FactTold(type=found.type, correlation_id=row["workspace_id"], body=json.loads(found.body()))
