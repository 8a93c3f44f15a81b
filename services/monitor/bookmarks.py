"""Bookmarks: how far a subreddit has been read, and what of it has been seen. No I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.monitor.domain import Item, number_of

MOST_REMEMBERED = 500
"""Items of a subreddit whose ids are kept: several pages, so that what surfaces late among them is known as new."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far the posts, or the comments, of a subreddit have been read.

    `anchor` is the newest item there was when it was last checked, perhaps of another subreddit of its group; None
    where nothing had ever been posted. An item is new when its number is above the `floor` and it is not among those
    `seen`.
    """

    subreddit: str
    kind: str
    anchor: str | None = None
    checked_at: datetime | None = None
    trouble: str | None = None
    floor: int = 0
    seen: tuple[str, ...] = ()

    def is_new(self, item: Item) -> bool:
        """Whether the item has not been seen, and is not older than all that is remembered."""
        return item.number > self.floor and item.item_id not in self.seen

    def having_seen(self, items: Iterable[Item]) -> "Bookmark":
        """The bookmark after these items; the oldest that it can no longer remember become its floor."""
        ids = {*self.seen, *(item.item_id for item in items if item.number > self.floor)}
        newest_first = sorted(ids, key=number_of, reverse=True)
        forgotten = newest_first[MOST_REMEMBERED:]
        floor = number_of(forgotten[0]) if forgotten else self.floor
        return replace(self, seen=tuple(newest_first[:MOST_REMEMBERED]), floor=floor)

    def begun(self, anchor: str | None, at: datetime) -> "Bookmark":
        """The first bookmark: what is there already is not new."""
        return replace(self, anchor=anchor, checked_at=at, trouble=None, floor=number_of(anchor or ""), seen=())

    def moved(self, anchor: str | None, at: datetime) -> "Bookmark":
        """The bookmark where everything up to the anchor has been dealt with."""
        return replace(self, anchor=anchor, checked_at=at, trouble=None)


@dataclass
class Group:
    """Bookmarks of subreddits that are read together: those left off in the same check."""

    bookmarks: list[Bookmark]

    @property
    def anchor(self) -> str | None:
        """Where to read on from: the oldest of their anchors."""
        return min(filter(None, (one.anchor for one in self.bookmarks)), key=number_of, default=None)

    @property
    def names(self) -> list[str]:
        """The subreddits."""
        return [one.subreddit for one in self.bookmarks]

    def new_among(self, items: Iterable[Item]) -> list[Item]:
        """The items that have not been seen, each once; what belongs to none of the subreddits counts as such."""
        by_name = {one.subreddit: one for one in self.bookmarks}
        once = {item.item_id: item for item in items}
        return [item for item in once.values() if _is_new(by_name.get(item.subreddit.lower()), item)]

    def see(self, items: Sequence[Item]) -> list[Bookmark]:
        """Remember the items; the answer has the bookmarks to be kept."""
        by_name: dict[str, list[Item]] = {}
        for item in items:
            by_name.setdefault(item.subreddit.lower(), []).append(item)
        self.bookmarks = [one.having_seen(by_name.get(one.subreddit, ())) for one in self.bookmarks]
        return self.bookmarks

    def begin(self, anchor: str | None, at: datetime) -> None:
        """Read on from the anchor next time; whatever is older is not new."""
        self.bookmarks = [one.begun(anchor, at) for one in self.bookmarks]

    def move(self, anchor: str | None, at: datetime) -> list[Bookmark]:
        """Read on from the anchor next time; the answer has the bookmarks to be kept."""
        self.bookmarks = [one.moved(anchor, at) for one in self.bookmarks]
        return self.bookmarks

    def halves(self) -> tuple["Group", "Group"]:
        """The same subreddits in two groups."""
        middle = len(self.bookmarks) // 2
        return Group(self.bookmarks[:middle]), Group(self.bookmarks[middle:])


def _is_new(bookmark: Bookmark | None, item: Item) -> bool:
    return bookmark is None or bookmark.is_new(item)
