"""The pictures of a post, as a network takes them, with every failure named as what it means for the post."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx

from services.publisher.media.errors import Unfit, Unreachable
from services.publisher.media.limits import PictureLimits
from services.publisher.media.picture import Picture
from services.publisher.media.room import room_of
from services.publisher.platforms.errors import Rejected, Unavailable
from services.publisher.platforms.network_time import our_own_time


async def fetch_pictures(
    client: httpx.AsyncClient,
    media: Sequence[Mapping[str, Any]],
    limits: PictureLimits,
    *,
    most_together: int | None = None,
) -> list[Picture]:
    """The pictures of a post in their order; where one cannot be had, the others are given up.

    Together they have at most so many bytes, if told: those that are too large for their share are made smaller.
    """
    if not media:
        return []
    first = str(media[0]["url"])
    with our_own_time():
        async with named_failures(first), room_of(client).turn_for_post(first):
            pictures = await _fetch_all(client, media, [limits] * len(media))
            if most_together is None or sum(one.size for one in pictures) <= most_together:
                return pictures
            smaller = replace(limits, most_bytes=min(share_of(pictures, most_together), limits.most_bytes))
            return await _fetch_all(client, media, [limits if one.moves else smaller for one in pictures])


async def fetch_picture(client: httpx.AsyncClient, item: Mapping[str, Any], limits: PictureLimits) -> Picture:
    """The picture of one entry of a post's media, as the network takes it; raises Rejected or Unavailable."""
    url = str(item["url"])
    async with named_failures(url):
        picture = await room_of(client).picture(client, url, limits)
    return replace(picture, alt=item.get("alt") or "")


async def _fetch_all(
    client: httpx.AsyncClient, media: Sequence[Mapping[str, Any]], limits: Sequence[PictureLimits]
) -> list[Picture]:
    wanted = zip(media, limits, strict=True)
    fetches = [asyncio.ensure_future(fetch_picture(client, item, most)) for item, most in wanted]
    try:
        return await asyncio.gather(*fetches)
    finally:
        for fetch in fetches:
            fetch.cancel()


def share_of(pictures: Sequence[Picture], most_together: int) -> int:
    """The most bytes that each picture may have: smaller ones leave more to the others, what moves stays as it is."""
    left = most_together - sum(one.size for one in pictures if one.moves)
    sizes = sorted(one.size for one in pictures if not one.moves)
    for index, size in enumerate(sizes):
        share = left // (len(sizes) - index)
        if size > share:
            if share <= 0:
                break
            return share
        left -= size
    reason = f"media: the animations have more than the {most_together:,} bytes that a post may have; use smaller ones"
    raise Rejected(reason, code="media_too_large")


@asynccontextmanager
async def named_failures(url: str) -> AsyncIterator[None]:
    """Rejected or Unavailable, with the picture's address."""
    try:
        yield
    except Unfit as error:
        raise Rejected(f"media {url}: {error.reason}", code=error.code) from error
    except Unreachable as error:
        raise Unavailable(f"media {url}: {error.reason}", code=error.code) from error
    except OSError as error:  # our own disk, or no more programs
        raise Unavailable(f"media {url}: it cannot be kept: {error}", code="media_not_kept") from error
