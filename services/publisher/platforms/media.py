"""Pictures: fetched from where a post says, checked for what they are, and made to fit what a network takes.

What a picture is, its bytes say, whatever its name or its server claims. A picture that fits is left as it is; one that
does not becomes a smaller JPEG; an animation, which would stand still then, is refused.
"""

import asyncio
import io
import re
import struct
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, WeakValueDictionary

import httpx
from PIL import ExifTags, Image, ImageOps

from services.publisher.platforms.errors import PlatformError, Rejected, Transient
from services.publisher.platforms.exchange import network_failures
from shared.outbound import read_bounded

PICTURE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
MOST_BYTES = 20 * 1024 * 1024
MOST_PIXELS = 50_000_000
"""A picture that unpacks to more is refused before it is unpacked."""
MOST_SCANS = 100
"""A JPEG may redraw itself any number of times, which takes minutes; progressive ones do so about ten times."""
SCAN = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")
"""The start of a scan: its marker, length, and one to four components. The marker alone occurs elsewhere by chance."""
MOST_REDIRECTS = 3
FETCH_WITHIN = timedelta(seconds=20)
AT_ONCE = 6
"""Pictures that are downloaded at the same time from one host; each may take `MOST_BYTES` of memory."""
Places = WeakValueDictionary[str, asyncio.Semaphore]
PLACES: WeakKeyDictionary[httpx.AsyncClient, Places] = WeakKeyDictionary()
"""By host, shared by all who fetch with the same client: a host that hangs holds up its own pictures only."""
DECODERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="pictures")
"""All unpacking and packing in the process: a large picture takes some hundred megabytes while it is at it."""
FORMATS = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}
"""By Pillow's names; MPO is what some cameras make of a JPEG with a second picture inside."""
READABLE = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF")
"""What is tried at all: other formats run programs (EPS) or are no pictures from the web."""
MAY_MOVE = ("image/gif", "image/png", "image/webp")
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError, struct.error)
LYING = (5, 6, 7, 8)
"""EXIF orientations with which width and height change places."""
QUALITIES = (90, 80, 70, 60)
SHRINK = 0.8
SMALLEST_SIDE = 200


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a network takes; a picture that is too large is made smaller, of another type is turned into JPEG."""

    most_bytes: int
    types: tuple[str, ...] = PICTURE_TYPES
    most_side: int | None = None
    """Pixels of the longer side."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that fits; width and height are those of the picture held upright."""

    data: bytes = field(repr=False)
    mime: str
    width: int
    height: int
    alt: str

    @property
    def ending(self) -> str:
        """What a file of this type is named with."""
        return "jpg" if self.mime == "image/jpeg" else self.mime.removeprefix("image/")


@dataclass(frozen=True)
class Pictures:
    """Fetches pictures with a client that reaches only what it may."""

    client: httpx.AsyncClient

    async def fetch_all(self, media: Sequence[Mapping[str, Any]], limits: PictureLimits) -> list[Picture]:
        """The pictures of a post in their order; where one cannot be had, the others are given up."""
        fetches = [asyncio.ensure_future(self.fetch(item, limits)) for item in media]
        try:
            return await asyncio.gather(*fetches)
        finally:
            for fetch in fetches:
                fetch.cancel()

    async def fetch(self, item: Mapping[str, Any], limits: PictureLimits) -> Picture:
        """The picture of one entry of a post's media, as the network takes it; raises Rejected or Transient."""
        url, alt = str(item["url"]), item.get("alt") or ""
        async with self._places_at(url):
            data = await self._download(url)
            fit = asyncio.get_running_loop().run_in_executor(DECODERS, fitted, data, limits, alt, url)
            return await fit

    def _places_at(self, url: str) -> asyncio.Semaphore:
        places = PLACES.setdefault(self.client, WeakValueDictionary())
        free = places.get(_host_of(url)) or asyncio.Semaphore(AT_ONCE)
        places[_host_of(url)] = free
        return free

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
                url = _next_hop(response)
            finally:
                await response.aclose()
        raise Rejected(f"more than {MOST_REDIRECTS} redirects; give its own address", code="media_unreachable")


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # it will not be requested either
        return ""


def _next_hop(response: httpx.Response) -> str:
    target = response.url.join(response.headers["location"])
    if target.scheme not in ("http", "https"):
        raise Rejected(f"it redirects to {target.scheme}:, which is not the web", code="media_unreachable")
    return str(target)


async def _body(response: httpx.Response) -> bytes:
    if response.is_server_error or response.status_code in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.REQUEST_TIMEOUT):
        raise Transient(f"HTTP {response.status_code}")
    if not response.is_success:
        raise Rejected(f"HTTP {response.status_code}", code="media_unreachable")
    data = await read_bounded(response, MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Rejected(f"it has more than {MOST_BYTES:,} bytes; use a smaller one", code="media_too_large")
    return data


def fitted(data: bytes, limits: PictureLimits, alt: str, url: str) -> Picture:
    """The picture within the limits: unchanged where it fits, else as a smaller JPEG; Rejected where it is none."""
    image = _opened(data, url)
    mime = FORMATS.get(image.format or "", "")
    if mime in limits.types and len(data) <= limits.most_bytes and _side_fits(image, limits):
        return Picture(data, mime, *_upright_size(image), alt)
    if mime in MAY_MOVE and getattr(image, "is_animated", False):
        raise Rejected(f"media {url}: {_why_animation_fails(data, mime, limits)}", code="media_too_large")
    try:
        return _as_jpeg(image, limits, alt, url)
    except UNREADABLE as error:
        raise Rejected(f"media {url}: it cannot be turned into a JPEG", code="media_unreadable") from error


def _opened(data: bytes, url: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=READABLE)
        if image.width * image.height > MOST_PIXELS:
            raise _too_many_pixels(url)
        if image.format in ("JPEG", "MPO") and len(SCAN.findall(data)) > MOST_SCANS:
            raise _too_many_scans(url)
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(url) from error
    except UNREADABLE as error:
        raise Rejected(f"media {url}: it is no picture that can be read", code="media_unreadable") from error
    return image


def _too_many_pixels(url: str) -> Rejected:
    return Rejected(f"media {url}: it has more than {MOST_PIXELS:,} pixels; use a smaller one", code="media_too_large")


def _too_many_scans(url: str) -> Rejected:
    reason = f"it is drawn in more than {MOST_SCANS} scans; save it as an ordinary JPEG"
    return Rejected(f"media {url}: {reason}", code="media_unreadable")


def _why_animation_fails(data: bytes, mime: str, limits: PictureLimits) -> str:
    if mime not in limits.types:
        return "it is an animation, which cannot be shown here; use a still picture"
    side = f" and {limits.most_side:,} pixels a side" if limits.most_side else ""
    return f"an animation of {len(data):,} bytes; at most {limits.most_bytes:,}{side} are taken, so make it smaller"


def _side_fits(image: Image.Image, limits: PictureLimits) -> bool:
    return limits.most_side is None or max(image.size) <= limits.most_side


def _upright_size(image: Image.Image) -> tuple[int, int]:
    is_lying = image.getexif().get(ExifTags.Base.Orientation) in LYING
    return (image.height, image.width) if is_lying else (image.width, image.height)


def _as_jpeg(image: Image.Image, limits: PictureLimits, alt: str, url: str) -> Picture:
    """Less quality first, then fewer pixels."""
    picture = ImageOps.exif_transpose(_flat(image))
    if limits.most_side:
        picture.thumbnail((limits.most_side, limits.most_side))
    while True:
        for quality in QUALITIES:
            data = _encoded(picture, quality)
            if len(data) <= limits.most_bytes:
                return Picture(data, "image/jpeg", picture.width, picture.height, alt)
        if max(picture.size) * SHRINK < SMALLEST_SIDE:
            break
        picture = picture.resize((max(1, int(picture.width * SHRINK)), max(1, int(picture.height * SHRINK))))
    raise Rejected(f"media {url}: it cannot be made to fit {limits.most_bytes:,} bytes", code="media_too_large")


def _flat(image: Image.Image) -> Image.Image:
    """In the colours of a JPEG, what is transparent on white; with its EXIF, which tells the orientation.

    A colour profile describes the channels it was made for: it stays where these are red, green and blue already.
    """
    exif = image.getexif()
    flat = _on_white(image) if image.has_transparency_data else _eight_bits(image).convert("RGB")
    flat.info["exif"] = exif.tobytes()
    flat.info["icc_profile"] = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
    return flat


def _on_white(image: Image.Image) -> Image.Image:
    with_alpha = image.convert("RGBA")
    flat = Image.new("RGB", image.size, "white")
    flat.paste(with_alpha, mask=with_alpha.getchannel("A"))
    return flat


def _eight_bits(image: Image.Image) -> Image.Image:
    """Sixteen bits of grey as eight: Pillow's own conversion makes all but the darkest white."""
    return image.convert("I").point(lambda value: value / 256).convert("L") if image.mode.startswith("I;16") else image


def _encoded(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, optimize=True, icc_profile=image.info["icc_profile"])
    return file.getvalue()
