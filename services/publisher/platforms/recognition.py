"""A post whose reply was lost is recognised among those that its account has on the network. No I/O.

Each network's `post.py` says of every post in a list what a `Seen` holds; which of them is the one, or whether it is
proved to be none, is decided here. Nothing but the time, the words and what is shown with them tells two posts apart.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unicodedata import normalize
from urllib.parse import unquote

from services.publisher.platforms.base import Post, Published
from services.publisher.platforms.errors import Rejected
from services.publisher.platforms.exchange import unreadable
from services.publisher.platforms.reply import Reply

CLOCKS_DIFFER = timedelta(minutes=1)
"""How far a network's clock may be behind ours, besides what its replies tell of that."""
ZERO_WIDTH = "\u200b"
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_PUNYCODE = re.compile(r"(?<![\w-])xn--[a-z0-9-]{1,59}", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Seen:
    """A post as its network shows it, and whether it is like the one that is looked for."""

    made_at: datetime
    published: Published
    is_like: bool


def since(post: Post, told: Reply, clocks_differ: timedelta = CLOCKS_DIFFER) -> datetime:
    """From when on, by the clock of the network that told this, a post can have been made that was due then."""
    return post.publish_at - told.clock_is_behind - clocks_differ


def recognised(seen: Sequence[Seen], begin: datetime, *, is_all: bool, is_distinct: bool = True) -> Published | None:
    """The oldest post since then that is like it; None where that proves that there is none.

    Rejected where nothing can be told: the list (the newest posts first) does not reach back so far and is not `is_all`
    there is, or the post has nothing that tells it from others.
    """
    alike = [one for one in seen if one.is_like and one.made_at >= begin]
    if alike and not is_distinct:
        raise Rejected("a post without any words may be another one that looks the same", code="cannot_tell")
    if alike:
        return min(reversed(alike), key=lambda one: one.made_at).published
    if not is_all and not reaches_back(seen, begin):
        raise Rejected(f"it is not among the latest {len(seen)} posts, and there are more", code="cannot_see")
    return None


def reaches_back(seen: Sequence[Seen], begin: datetime) -> bool:
    """Whether there is a post from before that."""
    return any(one.made_at < begin for one in seen)


def words_of(text: object) -> str:
    """A text as it can be compared: networks change its blanks, and how its letters are composed."""
    return " ".join(normalize("NFC", str(text or "")).replace(ZERO_WIDTH, "").split())


def words_and_links_of(text: object) -> str:
    """The same of a text whose links the network changes: their schemes, cases, escapes, hosts and closing slashes."""
    written = _PUNYCODE.sub(_in_letters, unquote(_SCHEME.sub("", str(text or ""))))
    return " ".join(word.rstrip("/") for word in words_of(written).casefold().split())


def _in_letters(found: re.Match[str]) -> str:
    try:
        return found[0].encode().decode("idna")
    except UnicodeError:
        return found[0]


def instant_in(value: object) -> datetime:
    """When a post was made, as an ISO 8601 instant or as seconds since 1970."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        instant = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError) as error:
        raise unreadable("does not tell when a post was made") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
