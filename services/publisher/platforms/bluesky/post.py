"""A post as a record, the same for every attempt, under a key that only this post has. No I/O."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.publisher.platforms.base import Post
from services.publisher.platforms.bluesky.text import facets, first_link
from services.publisher.platforms.options import refused

COLLECTION = "app.bsky.feed.post"

_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_TID_LENGTH = 13
_CLOCK_ID_BITS = 10
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that the server has: `blob` is what it answered to the upload."""

    blob: Mapping[str, Any]
    alt: str
    width: int
    height: int


def record_key(post: Post) -> str:
    """The record's key, a TID: the second the post is due, and below it what only this post's key gives."""
    seed = int.from_bytes(hashlib.sha256(post.key.encode()).digest()[:8])
    microseconds = int(post.publish_at.timestamp()) * _MICROSECONDS + seed % _MICROSECONDS
    return tid(microseconds, seed // _MICROSECONDS % (1 << _CLOCK_ID_BITS))


def tid(microseconds: int, clock_id: int) -> str:
    """A timestamp identifier: https://atproto.com/specs/tid"""
    number = microseconds << _CLOCK_ID_BITS | clock_id
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_TID_LENGTH)))


def record_of(post: Post, images: Sequence[Image], dids: Mapping[str, str]) -> dict[str, Any]:
    """The record; Rejected where its card cannot be shown."""
    record: dict[str, Any] = {"$type": COLLECTION, "text": post.content, "createdAt": _instant(post.publish_at)}
    if found := facets(post.content, dids):
        record["facets"] = found
    if langs := post.options.get("langs"):
        record["langs"] = langs
    if embed := _images(images) or _card(post):
        record["embed"] = embed
    return record


def check_card(post: Post) -> None:
    """Raise Rejected where the post's card cannot be shown."""
    if _card(post) and post.media:
        raise refused("card", "a post has either pictures or a card; leave one of them out")


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _images(images: Sequence[Image]) -> dict[str, Any] | None:
    if not images:
        return None
    listed = [
        {"alt": one.alt, "image": one.blob, "aspectRatio": {"width": one.width, "height": one.height}} for one in images
    ]
    return {"$type": "app.bsky.embed.images", "images": listed}


def _card(post: Post) -> dict[str, Any] | None:
    """A card for the post's first link, or for `card.url`."""
    card = post.options.get("card")
    if not card:
        return None
    url = card.get("url") or first_link(post.content)
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise refused("card", "the text has no link to show; write one, or set card.url")
    external = {"uri": url, "title": card["title"], "description": str(card.get("description") or "")}
    return {"$type": "app.bsky.embed.external", "external": external}
