"""Decoding: what is read at all, and never more of it than is good. No I/O."""

import io
import re
import warnings
from collections.abc import Mapping

import pillow_heif
from PIL import ExifTags, Image

from services.publisher.media.errors import Unfit
from services.publisher.media.metadata import Broken, without_metadata

MOST_BYTES = 20 * 1024 * 1024
MOST_PIXELS = 50_000_000
"""A picture that unpacks to more is refused before it is unpacked."""
MOST_SCANS = 100
"""A JPEG may redraw itself any number of times, which takes minutes; progressive ones do so about ten times."""
SCAN = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")
"""The start of a scan: its marker, length, and one to four components. The marker alone occurs elsewhere by chance."""
FORMATS = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}
"""By Pillow's names; MPO is what some cameras make of a JPEG with a second picture inside."""
READABLE = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "HEIF")
"""What is tried at all: other formats run programs (EPS) or are no pictures from the web."""
MAY_MOVE = ("image/gif", "image/png", "image/webp")
UPRIGHT = 1
TURNS: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by its EXIF orientation."""
SMALL = 8
"""A JPEG is checked at an eighth of its size: all of it is read, and little is drawn."""

pillow_heif.register_heif_opener()


def opened(data: bytes) -> Image.Image:
    """The picture, of which only the head is read yet."""
    image = _recognised(data)
    if image.width * image.height > MOST_PIXELS:
        raise too_many_pixels()
    if image.format in ("JPEG", "MPO") and len(SCAN.findall(data)) > MOST_SCANS:
        reason = f"it is drawn in more than {MOST_SCANS} scans; save it as an ordinary JPEG"
        raise Unfit(reason, "media_unreadable")
    return image


def _recognised(data: bytes) -> Image.Image:
    """A good picture may have metadata that nobody can read: then it is tried without."""
    try:
        return _open(data)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise
    except Exception:
        for mime in set(FORMATS.values()):
            try:
                return _open(without_metadata(data, mime))
            except Broken:
                continue
        raise


def _open(data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(io.BytesIO(data), formats=READABLE)


def orientation_of(image: Image.Image) -> int:
    """How the camera was held; an EXIF that cannot be read does not tell."""
    try:
        told = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:
        return UPRIGHT
    return told if isinstance(told, int) and told in TURNS else UPRIGHT


def check_whole(image: Image.Image) -> None:
    """Raise where a part of the picture is damaged or missing."""
    if image.format in ("JPEG", "MPO"):
        image.draft(image.mode, (max(image.width // SMALL, 1), max(image.height // SMALL, 1)))
    image.load()


def too_many_pixels() -> Unfit:
    """A picture that would unpack to more than we have."""
    return Unfit(f"it has more than {MOST_PIXELS:,} pixels; use a smaller one", "media_too_large")
