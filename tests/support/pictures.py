"""Pictures as a test wants them."""

import io
import random
from collections.abc import Sequence
from typing import Any

from PIL import ExifTags, Image


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The file of a picture."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(width: int, height: int, *, mode: str = "RGB") -> Image.Image:
    """A picture that hardly can be compressed, the same every time."""
    count = len(Image.new(mode, (1, 1)).tobytes())
    return Image.frombytes(mode, (width, height), random.Random(7).randbytes(width * height * count))


def plain(width: int, height: int, colour: Any = "red", *, mode: str = "RGB") -> Image.Image:
    """A picture of one colour."""
    return Image.new(mode, (width, height), colour)


def animation(kind: str = "GIF", *, width: int = 30, height: int = 20) -> bytes:
    """Three pictures, one after the other."""
    first, *others = [plain(width, height, colour) for colour in ("red", "green", "blue")]
    return encoded(first, kind, save_all=True, append_images=others, duration=100)


def photo(width: int, height: int, *, orientation: int) -> bytes:
    """A JPEG, red at its left and blue at its right, that was taken with the camera held this way."""
    image = plain(width, height)
    image.paste("blue", (width // 2, 0, width, height))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return encoded(image, "JPEG", exif=exif, quality=95)


def opened(data: bytes) -> Image.Image:
    """The picture in a file, unpacked."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def is_like(pixel: Any, colour: Sequence[int], *, by: int = 12) -> bool:
    """Whether a colour came through a JPEG."""
    return all(abs(one - other) <= by for one, other in zip(pixel, colour, strict=True))
