"""Listings: the posts and comments in an answer of Reddit's. No I/O."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from services.monitor.domain import Item

MOST_TITLE, MOST_AUTHOR, MOST_ADDRESS = 1_000, 100, 2_000
"""Characters that are kept; Reddit's own are shorter."""

MOST_ODD = 10
"""So many items, none of which can be read, are not odd ones: Reddit's form has changed."""

_ITEM_ID = re.compile(r"^t[13]_[0-9a-z]{1,12}$")
_SUBREDDIT = re.compile(r"^\w{1,50}$", re.ASCII)


class NoListing(ValueError):
    """The answer holds no posts or comments that can be read."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a listing, the newest first. `older` is where the next one begins; None where there is none.

    A page may hold fewer items than were asked for, or none, and not be the last. `unreadable` counts those left out.
    """

    items: Sequence[Item]
    older: str | None = None
    unreadable: int = 0


def page_of(answer: Any) -> Page:
    """The page in an answer, each item once and without what cannot be read; NoListing where that is all of many."""
    try:
        children, older = list(answer["data"]["children"]), answer["data"].get("after")
    except (KeyError, TypeError, AttributeError) as error:
        raise NoListing("Reddit's answer is no listing") from error
    items = [item for child in children if (item := _readable(child))]
    if len(children) > MOST_ODD and not items:
        raise NoListing("Reddit's answer is no listing: none of its items can be read")
    once = {item.item_id: item for item in items}
    return Page([*once.values()], older if isinstance(older, str) and older else None, len(children) - len(items))


def _readable(child: Any) -> Item | None:
    """The item, or None where it is none: one that is odd keeps nobody from the others."""
    try:
        return _item(child)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError):
        return None


def _item(child: Any) -> Item:
    told, is_post = child["data"], child["kind"] == "t3"
    item_id, subreddit = f"{child['kind']}_{told['id']}", str(told["subreddit"])
    if not _ITEM_ID.match(item_id) or not _SUBREDDIT.match(subreddit):
        raise ValueError("no item of Reddit's")
    return Item(
        item_id=item_id,
        kind="post" if is_post else "comment",
        subreddit=subreddit,
        title=_text(told, "title" if is_post else "link_title")[:MOST_TITLE],
        text=_text(told, "selftext" if is_post else "body"),
        author=_text(told, "author")[:MOST_AUTHOR] or "[deleted]",
        url=f"https://www.reddit.com{quote(_text(told, 'permalink'), safe='/%?=&#')[:MOST_ADDRESS]}",
        created_at=datetime.fromtimestamp(float(told["created_utc"]), UTC),
    )


def _text(told: Any, name: str) -> str:
    """The text as any database and any target takes it: without NUL and without halves of characters."""
    text = str(told.get(name) or "").replace("\x00", "")
    return text.encode("utf-8", "replace").decode()
