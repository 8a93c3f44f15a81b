"""Every query of the monitor."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, func, select, true, update

from services.monitor.bookmarks import Bookmark
from services.monitor.domain import DigestTime, Keyword, Kind, Mention, Notification, State, StoredMention, Workspace
from services.monitor.tables import bookmarks, deliveries, inbox, mentions, workspace_requests, workspaces
from shared.database import bulk
from shared.database.engine import Database
from shared.messaging.inbox import Inbox
from shared.messaging.outbox import Outbox
from shared.messaging.unit_of_work import UnitOfWork, unit_of_work

MOST_EXCERPT = 500

Key = tuple[str, str]
Versions = dict[str, datetime]
"""When each workspace was last changed."""


class Unit(UnitOfWork["Store"]):
    """One transaction's queries; what it emits is relayed after the commit."""

    async def remember(self, inbox_id: str | None, now: datetime) -> bool:
        """Note a message as taken; False when it had been taken before."""
        return inbox_id is None or bool(await self.store.inbox.remember(self.connection, [inbox_id], now))

    async def latest_request(self, workspace_id: str, now: datetime) -> datetime | None:
        """When the latest request for a workspace was made, if it said so; another waits until the commit."""
        row = {"workspace_id": workspace_id, "asked_at": None, "decided_at": now}
        await self.connection.execute(self.store.make_request, bulk.encode([row]))
        c = workspace_requests.c
        wanted = select(c.asked_at).where(c.workspace_id == workspace_id).with_for_update()
        asked_at: datetime | None = (await self.connection.execute(wanted)).scalar()
        return asked_at

    async def save_request(self, workspace_id: str, asked_at: datetime | None, now: datetime) -> None:
        """Note when the latest request for a workspace was made."""
        c = workspace_requests.c
        ours = update(workspace_requests).where(c.workspace_id == workspace_id)
        await self.connection.execute(ours.values(asked_at=asked_at, decided_at=now))

    async def workspace(self, workspace_id: str) -> RowMapping | None:
        """The row of a workspace, locked until the commit."""
        wanted = select(workspaces).where(workspaces.c.workspace_id == workspace_id).with_for_update()
        return (await self.connection.execute(wanted)).mappings().one_or_none()

    async def versions(self) -> Versions:
        """What tells the workspaces that are to be watched from those at another time."""
        c = workspaces.c
        rows = await self.connection.execute(select(c.workspace_id, c.updated_at).where(c.enabled == true()))
        return {row.workspace_id: row.updated_at for row in rows}

    async def save_workspace(self, row: bulk.Row) -> None:
        """Write a workspace."""
        await self.connection.execute(self.store.write_workspace, bulk.encode([row]))

    async def remove_workspace(self, workspace_id: str) -> None:
        """Delete a workspace and what was found for it: another one of its name begins anew."""
        await self.connection.execute(delete(mentions).where(_is_of(workspace_id)))
        await self.connection.execute(delete(workspaces).where(workspaces.c.workspace_id == workspace_id))

    async def save_bookmarks(self, read: Iterable[Bookmark]) -> None:
        """Write how far subreddits have been read."""
        rows = [_bookmark_row(one) for one in sorted(read, key=lambda one: (one.subreddit, one.kind))]
        if rows:
            await self.connection.execute(self.store.write_bookmarks, bulk.encode(rows))

    async def forget_bookmarks(self, unfollowed: Iterable[Bookmark]) -> None:
        """Forget how far these subreddits have been read."""
        rows = [{"subreddit": one.subreddit, "kind": one.kind} for one in unfollowed]
        await self.connection.execute(self.store.delete_bookmarks, bulk.encode(rows))

    async def add_mentions(self, found: Sequence[Mention], now: datetime) -> list[Mention]:
        """Write the mentions; the answer has those that were not there."""
        rows = [_mention_row(mention, now) for mention in found]
        if not rows:
            return []
        made = await self.connection.execute(self.store.make_mentions, bulk.encode(sorted(rows, key=_key)))
        new = {(row.workspace_id, row.item_id) for row in made}
        return [one for one in found if (one.workspace.workspace_id, one.item.item_id) in new]

    async def take_into_digest(self, workspace_id: str, day: str) -> int:
        """Put every mention that was in no digest into that of the day; how many there were."""
        c = mentions.c
        waiting = update(mentions).where(c.workspace_id == workspace_id, c.day.is_(None)).values(day=day)
        await self.connection.execute(
            update(workspaces).where(workspaces.c.workspace_id == workspace_id).values(last_digest_day=day)
        )
        return (await self.connection.execute(waiting)).rowcount

    async def add_notifications(self, planned: Sequence[Notification]) -> list[str]:
        """Write the notifications; the answer has the ids of those that were not there."""
        if not planned:
            return []
        rows = bulk.encode_records(sorted(planned, key=lambda one: one.delivery_id))
        return list((await self.connection.execute(self.store.make_deliveries, rows)).scalars())

    async def forget_notifications(self, some: Iterable[Notification]) -> None:
        """Forget what became of these."""
        ids = [one.delivery_id for one in some]
        await self.connection.execute(delete(deliveries).where(deliveries.c.delivery_id.in_(ids)))

    async def notification(self, delivery_id: str) -> Notification | None:
        """A notification, locked until the commit."""
        wanted = select(deliveries).where(deliveries.c.delivery_id == delivery_id).with_for_update()
        row = (await self.connection.execute(wanted)).mappings().one_or_none()
        return Notification(**row) if row else None

    async def save_notification(self, notification: Notification) -> None:
        """Write how far a notification has come."""
        rows = bulk.encode_records([notification])
        await self.connection.execute(self.store.write_delivery, rows)


class Store:
    """The monitor's database."""

    def __init__(self, database: Database, outbox_: Outbox) -> None:
        self._database = database
        dialect = database.dialect
        self.outbox = outbox_
        self.inbox = Inbox(inbox, database)
        self.write_workspace = bulk.upsert(workspaces, dialect, guard="true")
        self.make_request = bulk.insert_missing(workspace_requests, dialect)
        self.write_bookmarks = bulk.upsert(bookmarks, dialect, guard="true")
        self.delete_bookmarks = bulk.delete_by_key(bookmarks, dialect)
        self.make_mentions = bulk.insert_missing(mentions, dialect)
        self.make_deliveries = bulk.insert_missing(deliveries, dialect)
        self.write_delivery = bulk.upsert(deliveries, dialect, guard="true")

    def unit(self) -> AbstractAsyncContextManager[Unit]:
        """A transaction; after its commit what it emitted is relayed."""
        return unit_of_work(lambda connection: Unit(self, connection), self._database, self.outbox)

    async def enabled(self) -> Sequence[RowMapping]:
        """The rows of the workspaces that are to be watched."""
        return await self._database.rows(select(workspaces).where(workspaces.c.enabled == true()))

    async def with_digest(self) -> Sequence[RowMapping]:
        """The rows of the workspaces that get a digest; those that are no longer watched may have mentions left."""
        c = workspaces.c
        wanted = select(c.workspace_id, c.digest, c.digest_since, c.last_digest_day, c.target_ids)
        return await self._database.rows(wanted.where(c.digest.is_not(None)))

    async def workspace_ids(self) -> Sequence[str]:
        """Every workspace there is."""
        return [row["workspace_id"] for row in await self._database.rows(select(workspaces.c.workspace_id))]

    async def targets(self, workspace_id: str) -> tuple[str, Sequence[str]] | None:
        """A workspace's targets, encrypted, and their ids in the same order."""
        c = workspaces.c
        wanted = select(c.targets, c.target_ids).where(c.workspace_id == workspace_id)
        rows = await self._database.rows(wanted)
        return (rows[0]["targets"], json.loads(rows[0]["target_ids"])) if rows else None

    async def bookmarks(self, kind: Kind) -> dict[str, Bookmark]:
        """How far each subreddit has been read, by its name."""
        rows = await self._database.rows(select(bookmarks).where(bookmarks.c.kind == kind))
        return {row["subreddit"]: Bookmark(**{**row, "seen": tuple(json.loads(row["seen"]))}) for row in rows}

    async def mention(self, workspace_id: str, item_id: str) -> StoredMention | None:
        """One mention."""
        rows = await self._database.rows(select(mentions).where(_is_of(workspace_id), mentions.c.item_id == item_id))
        return StoredMention(**rows[0]) if rows else None

    async def digest(self, workspace_id: str, day: str, *, most: int) -> list[StoredMention]:
        """The mentions of a day's digest, in the order they were written on Reddit."""
        wanted = select(mentions).where(_is_of(workspace_id), mentions.c.day == day)
        rows = await self._database.rows(wanted.order_by(mentions.c.created_at, mentions.c.item_id).limit(most))
        return [StoredMention(**row) for row in rows]

    async def digest_size(self, workspace_id: str, day: str) -> int:
        """How many mentions a day's digest has."""
        counted = select(func.count().label("size")).where(_is_of(workspace_id), mentions.c.day == day)
        return int((await self._database.rows(counted))[0]["size"])


def workspace_of(row: RowMapping) -> Workspace:
    """The workspace that a row holds; ValueError, KeyError or TypeError where it holds none."""
    return Workspace(
        workspace_id=row["workspace_id"],
        subreddits=tuple(json.loads(row["subreddits"])),
        keywords=tuple(_keywords(json.loads(row["keywords"]))),
        target_ids=tuple(json.loads(row["target_ids"])),
        tells_at_once=bool(row["tells_at_once"]),
    )


def digest_of(text: str | None) -> DigestTime | None:
    """The digest that a column holds."""
    return DigestTime(**json.loads(text)) if text else None


def notification(
    workspace_id: str,
    target_id: str,
    now: datetime,
    *,
    item_id: str | None = None,
    day: str | None = None,
    part: int = 1,
) -> Notification:
    """A notification yet to be sent; the same of the same always has the same id."""
    identity = json.dumps([workspace_id, target_id, item_id, day, *([part] if part > 1 else [])])
    delivery_id = hashlib.sha256(identity.encode()).hexdigest()
    return Notification(delivery_id, workspace_id, target_id, item_id, day, part, State.PENDING, 0, None, None, now)


def _keywords(told: Iterable[Any]) -> Iterator[Keyword]:
    for one in told:
        yield Keyword(one["phrase"], one["match"], tuple(one["exclude"]), one["case_sensitive"])


def _is_of(workspace_id: str) -> Any:
    return mentions.c.workspace_id == workspace_id


def _key(row: bulk.Row) -> Key:
    return row["workspace_id"], row["item_id"]


def _bookmark_row(bookmark: Bookmark) -> dict[str, Any]:
    return bulk.row_of(bookmark) | {"seen": json.dumps(bookmark.seen)}


def _mention_row(mention: Mention, now: datetime) -> dict[str, Any]:
    item = mention.item
    return {
        "workspace_id": mention.workspace.workspace_id,
        "item_id": item.item_id,
        "kind": item.kind,
        "subreddit": item.subreddit,
        "title": item.title,
        "excerpt": item.text[:MOST_EXCERPT],
        "url": item.url,
        "author": item.author,
        "phrases": json.dumps(mention.phrases),
        "created_at": item.created_at,
        "found_at": now,
        "day": None,
    }
