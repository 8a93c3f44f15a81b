"""Reading: every subreddit once a check, in groups, each from where the last check left off."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from services.monitor.domain import Item, Kind, grouped, number_of
from services.monitor.reddit import PAGE, AccessDenied, NotConfigured, NotReadable, Reddit, RedditError
from services.monitor.store import Cursor

MOST_PAGES = 10
"""Reddit's listings hold about a thousand items, whoever asks for more."""
MOST_IN_A_GROUP = 60
MOST_CHARACTERS = 1200
MOST_FAILURES_IN_A_ROW = 3
MOST_CLOSED_IN_A_ROW = 25
"""Beyond this it is not the subreddits: Reddit closes itself to us."""

Take = Callable[[Sequence[Item], Sequence[Cursor]], Awaitable[None]]
"""Deals with a page of new items and writes the cursors, in one transaction."""

log = structlog.get_logger()


@dataclass
class Report:
    """What a check could not read (`unread`), and what it could but not all of (`behind`), by subreddit."""

    unread: dict[str, str] = field(default_factory=dict)
    behind: dict[str, str] = field(default_factory=dict)
    is_anything_read: bool = False


@dataclass
class Reading:
    """One check's way through the subreddits; `started_at` ties those together that were read in the same check."""

    reddit: Reddit
    take: Take
    started_at: datetime
    report: Report = field(default_factory=Report)
    _failures_in_a_row: int = 0
    _closed_in_a_row: int = 0

    async def read(self, names: Sequence[str], kind: Kind, known: dict[str, Cursor]) -> None:
        """Read what is new in these subreddits."""
        for group in groups_of([known.get(name) or Cursor(name, kind, None, None) for name in names]):
            await self._read_group(group)

    async def _read_group(self, group: Sequence[Cursor]) -> None:
        if self._failures_in_a_row >= MOST_FAILURES_IN_A_ROW or self._closed_in_a_row >= MOST_CLOSED_IN_A_ROW:
            self._unread(group, "not asked for, since Reddit gave nothing for others")
            return
        try:
            await self._read_new(group)
        except NotReadable as error:
            await self._read_apart(group, error)
        except (AccessDenied, NotConfigured):
            raise
        except RedditError as error:
            self._failures_in_a_row += 1
            self._unread(group, str(error))
        else:
            self._failures_in_a_row = self._closed_in_a_row = 0
            self.report.is_anything_read = True

    async def _read_apart(self, group: Sequence[Cursor], error: NotReadable) -> None:
        """One of the group spoils it for all: halve it until that one is alone."""
        if len(group) == 1:
            self._closed_in_a_row += group[0].trouble is None
            self._unread(group, str(error))
            await self.take([], [replace(group[0], trouble=str(error))])
            return
        middle = len(group) // 2
        await self._read_group(group[:middle])
        await self._read_group(group[middle:])

    def _unread(self, group: Iterable[Cursor], error: str) -> None:
        for cursor in group:
            log.warning("subreddit_unread", subreddit=cursor.subreddit, error=error)
            self.report.unread[cursor.subreddit] = error

    async def _read_new(self, group: Sequence[Cursor]) -> None:
        if group[0].checked_at is None:
            await self._begin(group)
            return
        anchor = min(filter(None, (cursor.anchor for cursor in group)), key=number_of, default=None)
        if anchor is None or not await self._follow(group, anchor):
            await self._read_down_to(group, anchor)

    async def _begin(self, group: Sequence[Cursor]) -> None:
        """What was there before anybody asked for it is not new."""
        page = await self._page(group)
        await self.take([], self._moved(group, page[0].item_id if page else None))

    async def _follow(self, group: Sequence[Cursor], anchor: str) -> bool:
        """Read on from the anchor, page by page; False where nothing follows, which may mean that it is gone."""
        for number in range(MOST_PAGES):
            page = await self._page(group, before=anchor)
            if not page:
                return number > 0
            anchor = page[0].item_id
            await self.take(page, self._moved(group, anchor))
        self._behind(group, f"more than {MOST_PAGES * PAGE:,} new items; the next check goes on from there")
        return True

    async def _read_down_to(self, group: Sequence[Cursor], anchor: str | None) -> None:
        """Read from the newest item back to where the anchor was; the cursors move once all of it is dealt with."""
        last, newest, after = number_of(anchor or ""), anchor, None
        for number in range(MOST_PAGES):
            page = await self._page(group, after=after)
            if number == 0 and page:
                newest = page[0].item_id
            new = [item for item in page if item.number > last]
            if new:
                await self.take(new, [])
            if len(new) < len(page) or not page:
                break
            after = page[-1].item_id
        else:
            self._behind(group, f"more than {MOST_PAGES * PAGE:,} items since the last check; older ones were missed")
        await self.take([], self._moved(group, newest))

    async def _page(
        self, group: Sequence[Cursor], *, before: str | None = None, after: str | None = None
    ) -> Sequence[Item]:
        names = [cursor.subreddit for cursor in group]
        kind: Kind = "post" if group[0].kind == "post" else "comment"
        return await self.reddit.listing(names, kind, before=before, after=after)

    def _moved(self, group: Sequence[Cursor], anchor: str | None) -> list[Cursor]:
        return [Cursor(cursor.subreddit, cursor.kind, anchor, self.started_at) for cursor in group]

    def _behind(self, group: Iterable[Cursor], note: str) -> None:
        for cursor in group:
            log.warning("subreddit_behind", subreddit=cursor.subreddit, note=note)
            self.report.behind[cursor.subreddit] = note


def groups_of(cursors: Sequence[Cursor]) -> list[list[Cursor]]:
    """Who can be asked for together: those left off in the same check. What could not be read is asked for alone."""
    alike: dict[tuple[datetime | None, bool], list[Cursor]] = defaultdict(list)
    for cursor in cursors:
        if not cursor.trouble:
            alike[cursor.checked_at, cursor.anchor is None].append(cursor)
    groups: list[list[Cursor]] = []
    for together in alike.values():
        by_name = {cursor.subreddit: cursor for cursor in together}
        for names in grouped(sorted(by_name), most=MOST_IN_A_GROUP, most_characters=MOST_CHARACTERS):
            groups.append([by_name[name] for name in names])  # noqa: PERF401  (a nested comprehension reads worse)
    return [*groups, *([cursor] for cursor in cursors if cursor.trouble)]
