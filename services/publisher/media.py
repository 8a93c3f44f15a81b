"""Pictures: fetched from where a post says, checked for what they are, and made to fit what a network takes."""

import asyncio
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from PIL import Image, ImageOps, UnidentifiedImageError

from services.publisher.platforms.errors import PlatformError, Rejected, Transient
from services.publisher.platforms.exchange import network_failures
from shared.outbound import read_bounded

MOST_BYTES = 20 * 1024 * 1024
MOST_PIXELS = 50_000_000
"""A picture that unpacks to more is refused before it is unpacked."""
MOST_REDIRECTS = 3
FETCH_WITHIN = timedelta(seconds=20)
MIME_OF = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}
QUALITIES = (90, 80, 70, 60)
SHRINK = 0.8
SMALLEST_SIDE = 200


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a network takes; a picture that is too large is made smaller, of another type is turned into JPEG."""

    most_bytes: int
    types: tuple[str, ...] = ("image/jpeg", "image/png", "image/gif", "image/webp")
    most_side: int | None = None
    """Pixels of the longer side."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that fits."""

    data: bytes
    mime: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True)
class Pictures:
    """Fetches pictures with a client that reaches only what it may."""

    client: httpx.AsyncClient

    async def fetch(self, item: Mapping[str, Any], limits: PictureLimits) -> Picture:
        """The picture of one entry of a post's media, as the network takes it; raises Rejected or Transient."""
        data = await self._download(str(item["url"]))
        return await asyncio.to_thread(fitted, data, limits, alt=item.get("alt") or "", url=str(item["url"]))

    async def _download(self, url: str) -> bytes:
        try:
            async with network_failures(), asyncio.timeout(FETCH_WITHIN.total_seconds()):
                return await self._follow(url)
        except Rejected as error:
            raise Rejected(f"media {url}: {error.detail.message}", code=error.detail.code) from error
        except PlatformError as error:
            raise Transient(f"media {url}: {error.detail.message}", code="media_unreachable") from error

    async def _follow(self, url: str) -> bytes:
        """Every hop is a connection of its own, so that each address is checked."""
        for _ in range(MOST_REDIRECTS + 1):
            response = await self.client.send(self.client.build_request("GET", url), stream=True)
            try:
                if not response.has_redirect_location:
                    return await _body(response)
                url = str(response.url.join(response.headers["location"]))
            finally:
                await response.aclose()
        raise Rejected(f"more than {MOST_REDIRECTS} redirects", code="media_unreachable")


async def _body(response: httpx.Response) -> bytes:
    if response.is_server_error or response.status_code in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.REQUEST_TIMEOUT):
        raise Transient(f"HTTP {response.status_code}")
    if not response.is_success:
        raise Rejected(f"HTTP {response.status_code}", code="media_unreachable")
    data = await read_bounded(response, MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Rejected(f"it has more than {MOST_BYTES:,} bytes; use a smaller one", code="media_too_large")
    return data


def fitted(data: bytes, limits: PictureLimits, *, alt: str, url: str) -> Picture:
    """The picture within the limits: unchanged where it fits, else as a smaller JPEG; Rejected where it is none."""
    image = _opened(data, url)
    mime = MIME_OF.get(image.format or "", "")
    if mime in limits.types and len(data) <= limits.most_bytes and _side_fits(image, limits):
        return Picture(data, mime, image.width, image.height, alt)
    if getattr(image, "is_animated", False) and mime in limits.types:
        reason = f"media {url}: an animation of {len(data):,} bytes; at most {limits.most_bytes:,} are taken"
        raise Rejected(reason, code="media_too_large")
    return _as_jpeg(image, limits, alt=alt, url=url)


def _opened(data: bytes, url: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data))
        if image.width * image.height > MOST_PIXELS:
            raise Rejected(f"media {url}: {image.width} x {image.height} pixels are too many", code="media_too_large")
        image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise Rejected(f"media {url}: it is no picture that can be read", code="media_unreadable") from error
    return image


def _side_fits(image: Image.Image, limits: PictureLimits) -> bool:
    return limits.most_side is None or max(image.size) <= limits.most_side


def _as_jpeg(image: Image.Image, limits: PictureLimits, *, alt: str, url: str) -> Picture:
    """Less quality first, then fewer pixels."""
    upright = _flat(ImageOps.exif_transpose(image))
    if limits.most_side:
        upright.thumbnail((limits.most_side, limits.most_side))
    while max(upright.size) >= SMALLEST_SIDE or upright.size == image.size:
        for quality in QUALITIES:
            data = _encoded(upright, quality)
            if len(data) <= limits.most_bytes:
                return Picture(data, "image/jpeg", upright.width, upright.height, alt)
        smaller = (max(1, int(upright.width * SHRINK)), max(1, int(upright.height * SHRINK)))
        if smaller == upright.size:
            break
        upright = upright.resize(smaller)
    raise Rejected(f"media {url}: it cannot be made to fit {limits.most_bytes:,} bytes", code="media_too_large")


def _flat(image: Image.Image) -> Image.Image:
    """Without transparency, which JPEG does not know: on white."""
    with_alpha = image.convert("RGBA")
    flat = Image.new("RGB", image.size, "white")
    flat.paste(with_alpha, mask=with_alpha.getchannel("A"))
    return flat


def _encoded(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, optimize=True)
    return file.getvalue()
