"""Reading: every subreddit once a check, in groups, each from where the last check left off, and a little before that.

Reddit lists by age, and what a moderator lets through late appears among older items: so each check looks again at
what it has read, and bookmarks remember what was seen.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from services.monitor.bookmarks import MOST_REMEMBERED, Bookmark, Group
from services.monitor.domain import Item, Kind, grouped, number_of
from services.monitor.listing import Page
from services.monitor.reddit import PAGE, AccessDenied, NotConfigured, NotReadable, Reddit, RedditError

OVERLAP = 50
"""Items that were read before and that a check looks at again, at least."""
HOURLY_OVERLAP = MOST_REMEMBERED
"""The same for the first check of an hour: what a moderator lets through may be hours old."""
MOST_PAGES = 10
"""Reddit's listings hold about a thousand items, whoever asks for more."""
MOST_IN_A_GROUP = 60
MOST_CHARACTERS = 1200
MOST_FAILURES_IN_A_ROW = 3
MOST_CLOSED_IN_A_ROW = 25
"""Beyond this it is not the subreddits: Reddit closes itself to us."""

Take = Callable[[Sequence[Item], Sequence[Bookmark]], Awaitable[None]]
"""Deals with new items and writes the bookmarks, in one transaction."""

log = structlog.get_logger()


@dataclass
class Report:
    """What a check could not read (`unread`), and what it could but not all of (`behind`), by subreddit."""

    unread: dict[str, str] = field(default_factory=dict)
    behind: dict[str, str] = field(default_factory=dict)
    is_anything_read: bool = False


@dataclass
class Reading:
    """One check's way through the subreddits; `started_at` ties those together that were read in the same check.

    What is `closed` is asked for once, not for its posts and for its comments.
    """

    reddit: Reddit
    take: Take
    started_at: datetime
    report: Report = field(default_factory=Report)
    closed: set[str] = field(default_factory=set)
    _failures_in_a_row: int = 0
    _closed_in_a_row: int = 0

    async def read(self, names: Sequence[str], kind: Kind, known: dict[str, Bookmark]) -> None:
        """Read what is new in these subreddits."""
        open_names = [name for name in names if name not in self.closed]
        for group in groups_of([known.get(name) or Bookmark(name, kind) for name in open_names]):
            await self._read_group(group)

    async def _read_group(self, group: Group) -> None:
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

    async def _read_apart(self, group: Group, error: NotReadable) -> None:
        """One of the group spoils it for all: halve it until that one is alone."""
        if len(group.bookmarks) == 1:
            (closed,) = group.bookmarks
            self.closed.add(closed.subreddit)
            self._closed_in_a_row += closed.trouble is None
            self._unread(group, str(error))
            await self.take([], [replace(closed, trouble=str(error))])
            return
        for half in group.halves():
            await self._read_group(half)

    def _unread(self, group: Group, error: str) -> None:
        for name in group.names:
            log.warning("subreddit_unread", subreddit=name, error=error)
            self.report.unread[name] = error

    async def _read_new(self, group: Group) -> None:
        page = await self._page(group)
        if group.bookmarks[0].checked_at is None:
            await self._begin(group, page)
        elif _reaches(page, group.anchor):
            await self._take_with_overlap(group, page)
        elif group.anchor is None or not await self._follow(group, group.anchor):
            await self._read_down_to(group, group.anchor, page)

    async def _begin(self, group: Group, page: Page) -> None:
        """What was there before anybody asked for it is not new."""
        anchor = page.items[0].item_id if page.items else None
        group.begin(anchor, self.started_at)
        await self.take([], group.see(page.items))

    async def _take_with_overlap(self, group: Group, page: Page) -> None:
        """Take what is new of the newest page, and of those after it until enough of it was read before."""
        items, anchor, pages = list(page.items), group.anchor, 1
        while page.older and pages < MOST_PAGES and _overlap(items, anchor) < self._wanted_overlap(group):
            page = await self._page(group, after=page.older)
            items += page.items
            pages += 1
        await self._take(group, items, anchor=items[0].item_id if items else anchor)

    def _wanted_overlap(self, group: Group) -> int:
        checked_at = group.bookmarks[0].checked_at
        is_first_of_hour = checked_at is None or _hour_of(checked_at) != _hour_of(self.started_at)
        return HOURLY_OVERLAP if is_first_of_hour else OVERLAP

    async def _follow(self, group: Group, anchor: str) -> bool:
        """Read on from the anchor, page by page; False where nothing follows, which means that it is gone."""
        for number in range(MOST_PAGES):
            items = (await self._page(group, before=anchor)).items
            if not items:
                return number > 0
            anchor = items[0].item_id
            await self._take(group, items, anchor=anchor)
        self._behind(group, f"more than {MOST_PAGES * PAGE:,} new items; the next check goes on from there")
        return True

    async def _read_down_to(self, group: Group, anchor: str | None, page: Page) -> None:
        """Read from the newest item back to where the anchor was; the bookmarks move once all of it is dealt with."""
        pages = [page]
        while page.older and not _passes(page, anchor) and len(pages) < MOST_PAGES:
            await self.take(group.new_among(page.items), [])
            page = await self._page(group, after=page.older)
            pages.append(page)
        if len(pages) == MOST_PAGES and not _passes(page, anchor):  # the listing ends here, whatever there is
            self._behind(group, f"more than {MOST_PAGES * PAGE:,} items since the last check; older ones were missed")
        items, new = [item for page in pages for item in page.items], group.new_among(page.items)
        group.see(items)
        await self.take(new, group.move(items[0].item_id if items else anchor, self.started_at))

    async def _take(self, group: Group, items: Sequence[Item], *, anchor: str | None) -> None:
        """Deal with what is new of these items; the next check reads on from the anchor."""
        new = group.new_among(items)
        group.see(items)
        await self.take(new, group.move(anchor, self.started_at))

    async def _page(self, group: Group, *, before: str | None = None, after: str | None = None) -> Page:
        kind: Kind = "post" if group.bookmarks[0].kind == "post" else "comment"
        page = await self.reddit.listing(group.names, kind, before=before, after=after)
        if page.unreadable:
            self._behind(group, f"{page.unreadable} of Reddit's items cannot be read and were left out")
        return page

    def _behind(self, group: Group, note: str) -> None:
        for name in group.names:
            log.warning("subreddit_behind", subreddit=name, note=note)
            self.report.behind[name] = note


def _reaches(page: Page, anchor: str | None) -> bool:
    """Whether nothing that is newer than the anchor comes after this page."""
    return page.older is None or _passes(page, anchor)


def _passes(page: Page, anchor: str | None) -> bool:
    """Whether the page ends beyond the anchor."""
    return bool(page.items) and page.items[-1].number <= number_of(anchor or "")


def _overlap(items: Sequence[Item], anchor: str | None) -> int:
    """How many of the items had been read before."""
    return sum(item.number <= number_of(anchor or "") for item in items)


def _hour_of(instant: datetime) -> datetime:
    """The hour in which the instant lies."""
    return instant.replace(minute=0, second=0, microsecond=0)


def groups_of(bookmarks: Sequence[Bookmark]) -> list[Group]:
    """Who can be asked for together: those left off in the same check. What could not be read is asked for alone."""
    alike: dict[tuple[datetime | None, bool], list[Bookmark]] = defaultdict(list)
    for bookmark in bookmarks:
        if not bookmark.trouble:
            alike[bookmark.checked_at, bookmark.anchor is None].append(bookmark)
    groups: list[Group] = []
    for together in alike.values():
        by_name = {bookmark.subreddit: bookmark for bookmark in together}
        for names in grouped(sorted(by_name), most=MOST_IN_A_GROUP, most_characters=MOST_CHARACTERS):
            groups.append(Group([by_name[name] for name in names]))  # noqa: PERF401  (a nested comprehension reads worse)
    return [*groups, *(Group([bookmark]) for bookmark in bookmarks if bookmark.trouble)]
