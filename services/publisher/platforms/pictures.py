"""The pictures of a post, as a network takes them, with every failure named as what it means for the post."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx

from services.publisher.media.errors import Unfit, Unreachable
from services.publisher.media.limits import PictureLimits
from services.publisher.media.picture import Picture
from services.publisher.media.room import room_of
from services.publisher.platforms.errors import Rejected, Unavailable
from services.publisher.platforms.network_time import our_own_time


@dataclass(frozen=True)
class Pictures:
    """Fetches pictures with a client that reaches only what it may."""

    client: httpx.AsyncClient

    async def fetch_all(
        self, media: Sequence[Mapping[str, Any]], limits: PictureLimits, *, most_together: int | None = None
    ) -> list[Picture]:
        """The pictures of a post in their order; where one cannot be had, the others are given up.

        Together they have at most so many bytes, if told: those that are too large for their share are made smaller.
        """
        if not media:
            return []
        first = str(media[0]["url"])
        with our_own_time():
            async with named_failures(first), room_of(self.client).place_for_post(first):
                return await self._fitting(media, limits, most_together)

    async def fetch(self, item: Mapping[str, Any], limits: PictureLimits) -> Picture:
        """The picture of one entry of a post's media, as the network takes it; raises Rejected or Unavailable."""
        url = str(item["url"])
        async with named_failures(url):
            picture = await room_of(self.client).picture(self.client, url, limits)
        return replace(picture, alt=item.get("alt") or "")

    async def _fitting(
        self, media: Sequence[Mapping[str, Any]], limits: PictureLimits, most_together: int | None
    ) -> list[Picture]:
        pictures = await self._all(media, [limits] * len(media))
        if most_together is None or sum(one.size for one in pictures) <= most_together:
            return pictures
        share = share_of(pictures, most_together)
        smaller = replace(limits, most_bytes=min(share, limits.most_bytes))
        return await self._all(media, [limits if one.moves else smaller for one in pictures])

    async def _all(self, media: Sequence[Mapping[str, Any]], limits: Sequence[PictureLimits]) -> list[Picture]:
        fetches = [asyncio.ensure_future(self.fetch(*one)) for one in zip(media, limits, strict=True)]
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
