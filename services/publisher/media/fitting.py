"""Fitting: a picture within a network's limits, without what it tells beside the picture. No I/O.

What a picture is, its bytes say, whatever its name or its server claims. One that fits is drawn by the same bytes as
before; one that does not becomes a smaller JPEG; an animation that would stand still there is refused.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from PIL import Image, JpegImagePlugin

from services.publisher.media.decoding import (
    FORMATS,
    MAY_MOVE,
    TURNS,
    UPRIGHT,
    check_whole,
    opened,
    orientation_of,
    too_many_pixels,
)
from services.publisher.media.errors import Unfit
from services.publisher.media.limits import PictureLimits
from services.publisher.media.metadata import Broken, without_metadata

QUALITIES = (90, 80, 70, 60)
SHRINK = 0.8
SMALLEST_SIDE = 200
JPEG = "image/jpeg"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A picture that fits; width and height are those of the picture held upright."""

    data: bytes = field(repr=False)
    mime: str
    width: int
    height: int
    moves: bool = False


def fitted(data: bytes, limits: PictureLimits) -> Fitted:
    """The picture within the limits; raises Unfit, and nothing else, whatever the bytes are."""
    try:
        return _fitted(data, limits)
    except Unfit:
        raise
    except Image.DecompressionBombError as error:
        raise too_many_pixels() from error
    except MemoryError as error:
        raise Unfit("it takes more memory than a picture may have; use a smaller one", "media_too_large") from error
    except Exception as error:  # a decoder may stumble over damaged bytes in any way
        raise Unfit("it is no picture that can be read", "media_unreadable") from error


def _fitted(data: bytes, limits: PictureLimits) -> Fitted:
    image = opened(data)
    mime = FORMATS.get(image.format or "", "")
    if mime in MAY_MOVE and getattr(image, "is_animated", False):
        return _moving(data, image, mime, limits)
    if mime in limits.types and _has_room(image.size, limits):
        same = _unchanged(data, mime) if orientation_of(image) == UPRIGHT else _turned(image, mime)
        if same and len(same.data) <= limits.most_bytes:
            return same
    return _as_jpeg(opened(data), limits)


def _moving(data: bytes, image: Image.Image, mime: str, limits: PictureLimits) -> Fitted:
    if mime not in limits.types or mime not in limits.moving:
        reason = "it is an animation, which would stand still here; use a still picture"
        raise Unfit(reason, "media_stands_still")
    bare = without_metadata(data, mime)
    check_whole(opened(bare))
    if len(bare) > limits.most_bytes or not _has_room(image.size, limits):
        raise Unfit(_why_animation_fails(bare, limits), "media_too_large")
    return Fitted(bare, mime, image.width, image.height, moves=True)


def _why_animation_fails(data: bytes, limits: PictureLimits) -> str:
    side = f" and {limits.most_side:,} pixels a side" if limits.most_side else ""
    area = f" and {limits.most_pixels:,} pixels" if limits.most_pixels else ""
    most = f"at most {limits.most_bytes:,}{side}{area} are taken"
    return f"an animation of {len(data):,} bytes; {most}, so make it smaller"


def _has_room(size: tuple[int, int], limits: PictureLimits) -> bool:
    has_side = limits.most_side is None or max(size) <= limits.most_side
    return has_side and (limits.most_pixels is None or size[0] * size[1] <= limits.most_pixels)


def _unchanged(data: bytes, mime: str) -> Fitted | None:
    """The very same picture; None where the file is built in a way that is not understood."""
    try:
        bare = without_metadata(data, mime)
    except Broken:
        return None
    image = opened(bare)
    size = image.size
    check_whole(image)
    return Fitted(bare, mime, *size)


def _turned(image: Image.Image, mime: str) -> Fitted | None:
    """Upright, in the same type and as good as it was."""
    turned = _upright(image)
    options: dict[str, Any] = {"icc_profile": image.info.get("icc_profile")}
    if mime == JPEG:
        if image.mode not in ("RGB", "L"):
            return None
        options["qtables"] = image.quantization  # type: ignore[attr-defined]
        options["subsampling"] = JpegImagePlugin.get_sampling(image)
    elif mime == "image/webp":
        options["quality"] = QUALITIES[0]
    return Fitted(_saved(turned, mime.removeprefix("image/"), **options), mime, *turned.size)


def _upright(image: Image.Image) -> Image.Image:
    turn = TURNS.get(orientation_of(image))
    return image if turn is None else image.transpose(turn)


def _as_jpeg(image: Image.Image, limits: PictureLimits) -> Fitted:
    """Less quality first, then fewer pixels."""
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
    picture = _drawn(image, limits)
    for smaller in _ever_smaller(picture):
        for quality in QUALITIES:
            data = _saved(smaller, "JPEG", quality=quality, icc_profile=profile)
            if len(data) <= limits.most_bytes:
                return Fitted(data, JPEG, *smaller.size)
    raise Unfit(f"it cannot be made to fit {limits.most_bytes:,} bytes", "media_too_large")


def _drawn(image: Image.Image, limits: PictureLimits) -> Image.Image:
    """Upright, within the limits' pixels, in the colours of a JPEG. A large JPEG is drawn smaller at once."""
    size, turn = _size_within(image.size, limits), orientation_of(image)
    image.draft(image.mode, size)
    flat = _flat(image)
    small = flat if flat.size == size else flat.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return small.transpose(TURNS[turn]) if turn in TURNS else small


def _size_within(size: tuple[int, int], limits: PictureLimits) -> tuple[int, int]:
    by_side = (limits.most_side or max(size)) / max(size)
    by_pixels = sqrt((limits.most_pixels or size[0] * size[1]) / (size[0] * size[1]))
    scale = min(by_side, by_pixels, 1.0)
    return size if scale >= 1 else (max(int(size[0] * scale), 1), max(int(size[1] * scale), 1))


def _ever_smaller(picture: Image.Image) -> Iterator[Image.Image]:
    yield picture
    while max(picture.size) * SHRINK >= SMALLEST_SIDE:
        picture = picture.resize((max(1, int(picture.width * SHRINK)), max(1, int(picture.height * SHRINK))))
        yield picture


def _flat(image: Image.Image) -> Image.Image:
    """In the colours of a JPEG, what is transparent on white.

    A colour profile describes the channels it was made for: it stays where these are red, green and blue already.
    """
    if image.has_transparency_data:
        return _on_white(image)
    image.load()
    return image if image.mode == "RGB" else _eight_bits(image).convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    with_alpha = image.convert("RGBA")
    flat = Image.new("RGB", image.size, "white")
    flat.paste(with_alpha, mask=with_alpha.getchannel("A"))
    return flat


def _eight_bits(image: Image.Image) -> Image.Image:
    """Sixteen bits of grey as eight: Pillow's own conversion makes all but the darkest white."""
    return image.convert("I").point(lambda value: value / 256).convert("L") if image.mode.startswith("I;16") else image


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture alone: Pillow would write some of what it has read beside it again, such as comments."""
    file = io.BytesIO()
    image.info = {name: told for name, told in image.info.items() if name == "transparency"}
    image.save(file, kind, **options)
    return file.getvalue()
