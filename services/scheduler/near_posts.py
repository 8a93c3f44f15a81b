"""What is near a post: the same text on the same account within a day, many posts within a minute. No I/O."""

from dataclasses import dataclass
from datetime import datetime
from zlib import crc32

NEAR_MINUTES = 24 * 60
"""How long before and after a post the same text on the same account is worth a warning."""
CROWDED_MINUTE = 5

NearKeys = tuple[int | None, int | None]
"""The keys of a post's text and of its minute; posts that are near one another share one."""

_SECONDS = 60
_BITS = 32


def text_key(account_id: str, content: str) -> int | None:
    """Equal for the same text on the same account; None where there is no text."""
    said = content.strip()
    return _of_account(account_id) | crc32(said.encode()) if said else None


def minute_key(account_id: str, publish_at: datetime) -> int:
    """Equal for instants of the same minute on the same account, and one more a minute later."""
    return _of_account(account_id) + int(publish_at.timestamp()) // _SECONDS


def _of_account(account_id: str) -> int:
    """The upper half of an account's keys, so that an index keeps them together. They are checksums, good enough for a
    warning: one that does not hold is given once in billions."""
    return crc32(account_id.encode()) >> 1 << _BITS


@dataclass(frozen=True, slots=True)
class NearPosts:
    """What else there is near a post."""

    has_same_text: bool = False
    is_crowded: bool = False


NOTHING_NEAR = NearPosts()


def warning_of(*, is_known: bool, near_posts: NearPosts, misspelt: str | None = None) -> str | None:
    """What a person should know of a post that is accepted, always in the same order."""
    if is_known and near_posts is NOTHING_NEAR and not misspelt:
        return None
    warnings = {
        "unknown_account": not is_known,
        "duplicate_text": near_posts.has_same_text,
        "crowded_minute": near_posts.is_crowded,
        f"unknown_field ({misspelt})": bool(misspelt),
    }
    return ", ".join(warning for warning, holds in warnings.items() if holds) or None
