"""`monitor.check`: read what is new, find the mentions in it, keep and tell them."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import RowMapping

from services.monitor.bookmarks import Bookmark
from services.monitor.domain import KINDS, Item, Mention, Notification, Workspace
from services.monitor.matching import Matcher
from services.monitor.reading import Reading, Report
from services.monitor.reddit import Reddit, RedditError
from services.monitor.store import Store, Versions, notification, workspace_of
from shared.clocks.clock import Clock
from shared.events.monitor import (
    MentionFound,
    MonitorCompleted,
    NotificationRequested,
    SubredditProblem,
    WorkspaceFailure,
)
from shared.messaging.envelope import Envelope

MOST_TOLD = 1000
"""Failures named in one `monitor.completed`; the log has them all."""

MOST_CHANGES = 10
"""How often what was read is looked through again, because workspaces have changed meanwhile."""

log = structlog.get_logger()


@dataclass
class Tally:
    """What one check has come across."""

    items: int = 0
    found: int = 0
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class Watched:
    """The workspaces as a check knows them, with what finds their keywords."""

    workspaces: Sequence[Workspace]
    matcher: Matcher
    versions: Versions

    @property
    def is_everybody(self) -> bool:
        """Whether no workspace is left out because it cannot be read."""
        return len(self.workspaces) == len(self.versions)


@dataclass(frozen=True)
class Checking:
    """Runs checks; `notifications_queue` is where each new mention's notifications are sent."""

    store: Store
    reddit: Reddit
    clock: Clock
    notifications_queue: str

    async def check(self, correlation_id: str) -> None:
        """Check every subreddit of every workspace that is to be watched, and tell how it went."""
        started_at = self.clock.now()
        tally = Tally()
        watched = await self._watched(tally)
        workspaces = watched.workspaces
        report = await self._read(watched, tally, started_at, correlation_id)
        tally.failed |= _who_misses_something(workspaces, report)
        completed = self._completed(len(workspaces), tally, report, started_at)
        async with self.store.unit() as unit:
            await unit.tell(completed, correlation_id=correlation_id)
        log.info("monitor_completed", items=tally.items, found=tally.found, failed=len(tally.failed))
        if report.unread and not report.is_anything_read:
            raise RedditError(f"nothing could be read: {next(iter(report.unread.values()))}")

    async def _watched(self, tally: Tally) -> Watched:
        rows = await self.store.enabled()
        workspaces = _readable(rows, tally)
        matcher = await asyncio.to_thread(Matcher, workspaces)
        tally.failed |= matcher.unusable
        return Watched(workspaces, matcher, {row["workspace_id"]: row["updated_at"] for row in rows})

    async def _read(self, watched: Watched, tally: Tally, started_at: datetime, correlation_id: str) -> Report:
        names = sorted({name for workspace in watched.workspaces for name in workspace.subreddits})
        followed = frozenset(names)

        async def take(items: Sequence[Item], bookmarks: Sequence[Bookmark]) -> None:
            nonlocal watched
            tally.items += len(items)
            for _ in range(MOST_CHANGES):
                new = await self._take(items, bookmarks, watched, correlation_id)
                if new is not None:
                    tally.found += new
                    return
                watched = await self._watched(tally)
            raise RedditError("workspaces change faster than they can be read; the next check goes on from here")

        reading = Reading(self.reddit, take, started_at)
        for kind in KINDS:
            known = await self.store.bookmarks(kind)
            if watched.is_everybody:
                await self._forget([one for name, one in known.items() if name not in followed])
            await reading.read(names, kind, known)
        return reading.report

    async def _forget(self, unfollowed: Sequence[Bookmark]) -> None:
        """Forget how far was read what nobody follows: whoever follows it later begins with what is new then."""
        if unfollowed:
            async with self.store.unit() as unit:
                await unit.forget_bookmarks(unfollowed)

    async def _take(
        self, items: Sequence[Item], bookmarks: Sequence[Bookmark], watched: Watched, correlation_id: str
    ) -> int | None:
        """Find, keep and tell, and move the bookmarks, all of it or nothing; None where workspaces have changed."""
        found = await asyncio.to_thread(_mentions, watched.matcher, items) if items else []
        now = self.clock.now()
        async with self.store.unit() as unit:
            if items and await unit.versions() != watched.versions:
                return None
            new = await unit.add_mentions(found, now)
            to_send = await unit.add_notifications([one for mention in new for one in _notifications(mention, now)])
            facts = [Envelope.of(_fact(mention), correlation_id=correlation_id) for mention in new]
            await unit.emit([*facts, *requests(to_send, self.notifications_queue, correlation_id)])
            await unit.save_bookmarks(bookmarks)
        return len(new)

    def _completed(self, checked: int, tally: Tally, report: Report, started_at: datetime) -> MonitorCompleted:
        failed = sorted(tally.failed.items())[:MOST_TOLD]
        problems = sorted((report.behind | report.unread).items())[:MOST_TOLD]
        return MonitorCompleted(
            checked=checked,
            failed=tuple(WorkspaceFailure(workspace_id=one, error=error) for one, error in failed),
            found=tally.found,
            duration_ms=(self.clock.now() - started_at) / timedelta(milliseconds=1),
            items=tally.items,
            problems=tuple(SubredditProblem(subreddit=one, error=error) for one, error in problems),
        )


def requests(delivery_ids: Iterable[str], queue: str, correlation_id: str) -> list[Envelope]:
    """The orders to send these notifications, straight to the monitor's own queue."""
    events = (NotificationRequested(delivery_id=delivery_id) for delivery_id in delivery_ids)
    return [Envelope.of(event, correlation_id=correlation_id).to("", routing_key=queue) for event in events]


def _mentions(matcher: Matcher, items: Sequence[Item]) -> list[Mention]:
    return [mention for item in items for mention in matcher.mentions(item)]


def _notifications(mention: Mention, now: datetime) -> list[Notification]:
    workspace = mention.workspace
    targets = workspace.target_ids if workspace.tells_at_once else ()
    return [notification(workspace.workspace_id, target, now, item_id=mention.item.item_id) for target in targets]


def _readable(rows: Iterable[RowMapping], tally: Tally) -> list[Workspace]:
    """The workspaces in the rows; one that cannot be read does not stop the others."""
    workspaces = []
    for row in rows:
        try:
            workspaces.append(workspace_of(row))
        except (ValueError, KeyError, TypeError) as error:
            log.warning("workspace_unreadable", workspace_id=row["workspace_id"], error=repr(error))
            tally.failed[row["workspace_id"]] = "its configuration cannot be read; configure it again"
    return workspaces


def _who_misses_something(workspaces: Iterable[Workspace], report: Report) -> dict[str, str]:
    """The workspaces that follow something that could not be read, and what."""
    touched = {}
    for workspace in workspaces:
        unread = [f"r/{name}: {report.unread[name]}" for name in workspace.subreddits if name in report.unread]
        if unread:
            more = f"; and {len(unread) - 3} more" if len(unread) > 3 else ""  # noqa: PLR2004
            touched[workspace.workspace_id] = "; ".join(unread[:3]) + more
    return touched


def _fact(mention: Mention) -> MentionFound:
    item = mention.item
    return MentionFound(
        workspace_id=mention.workspace.workspace_id,
        subreddit=item.subreddit,
        item_id=item.item_id,
        kind=item.kind,
        title=item.title,
        url=item.url,
        author=item.author,
        keywords=mention.phrases,
        created_at=item.created_at,
    )
