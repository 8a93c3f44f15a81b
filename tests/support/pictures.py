"""Pictures as a test wants them."""

import io
import random
from collections.abc import Sequence
from typing import Any

import pillow_heif
from PIL import ExifTags, Image, PngImagePlugin


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


def photo(width: int, height: int, *, orientation: int, kind: str = "JPEG") -> bytes:
    """Red at its left and blue at its right, and taken with the camera held this way."""
    image = plain(width, height)
    image.paste("blue", (width // 2, 0, width, height))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return encoded(image, kind, exif=exif, quality=95)


def heic(image: Image.Image) -> bytes:
    """The file of a picture as phones make it."""
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, quality=90)
    return file.getvalue()


SECRETS = (b"Museumsinsel", b"GPS-52.52N", b"Anna's phone")
"""What stands in a `talkative` picture beside the picture."""


def talkative(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture that tells where it was taken, by whom and with what, in all the ways in which its type can."""
    place, who, what = (secret.decode() for secret in SECRETS)
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription], exif[ExifTags.Base.Artist] = place, who
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAreaInformation] = what.encode()
    xmp = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{place} {who} {what}</x:xmpmeta>".encode()
    match kind:
        case "PNG":
            text = PngImagePlugin.PngInfo()
            text.add_text("Author", who)
            text.add_itxt("Comment", what)
            text.add_itxt("XML:com.adobe.xmp", xmp.decode())
            return encoded(image, kind, exif=exif, pnginfo=text, **options) + SECRETS[0]
        case "GIF":
            return _talkative_gif(encoded(image, kind, comment=place.encode(), **options), xmp)
        case "JPEG":
            iptc = b"Photoshop 3.0\x008BIM\x04\x04" + SECRETS[1]
            jpeg = encoded(image, kind, exif=exif, xmp=xmp, comment=what.encode(), **options)
            return jpeg[:2] + b"\xff\xed" + (len(iptc) + 2).to_bytes(2) + iptc + jpeg[2:] + SECRETS[2]
    return encoded(image, kind, exif=exif, xmp=xmp, **options)


def _talkative_gif(gif: bytes, xmp: bytes) -> bytes:
    """XMP stands in a GIF as it is, with a trailer that ends the block for those who count in blocks."""
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
    return gif[:-1] + b"\x21\xff\x0bXMP DataXMP" + xmp + trailer + b";" + SECRETS[2]


def opened(data: bytes) -> Image.Image:
    """The picture in a file, unpacked."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def is_like(pixel: Any, colour: Sequence[int], *, by: int = 12) -> bool:
    """Whether a colour came through a JPEG."""
    return all(abs(one - other) <= by for one, other in zip(pixel, colour, strict=True))
