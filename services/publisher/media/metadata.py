"""Pictures without what they tell beside the picture: EXIF (with the place), XMP, IPTC, comments, hidden thumbnails.

Nothing is encoded again: the parts of a file that draw the picture are kept as they are, with its colour profile and
its animation; all others are dropped, those of unknown kinds and what stands behind the end too. No I/O.
"""

import re
import struct
from collections.abc import Callable, Iterator, Mapping

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD hIST pHYs sPLT acTL fcTL fdAT".split()
)
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_WEBP_SAYS_EXIF_AND_XMP = 0x08 | 0x04
_GIF_KEPT = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")
_GIF_COMMENT, _GIF_APPLICATION = 0xFE, 0xFF
_GIF_EXTENSION, _GIF_IMAGE, _GIF_END = 0x21, 0x2C, 0x3B
_MARKS, _SOI, _EOI, _SOS, _COM = 0xFF, 0xD8, 0xD9, 0xDA, 0xFE
_APP0, _APP2, _APP14, _APP15 = 0xE0, 0xE2, 0xEE, 0xEF
_ENDS_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
"""A marker that is neither a stuffed byte nor one of those that stand within a scan."""


class Broken(ValueError):
    """The file does not have the structure of its type."""


def without_metadata(data: bytes, mime: str) -> bytes:
    """The same picture without anything else; raises Broken."""
    try:
        return b"".join(_PARTS[mime](data))
    except (IndexError, struct.error) as error:
        raise Broken("the file ends too early") from error


def _jpeg(data: bytes) -> Iterator[bytes]:
    if data[:2] != bytes((_MARKS, _SOI)):
        raise Broken("no start of a JPEG")
    yield data[:2]
    at = 2
    while True:
        at, marker = _marker_at(data, at)
        if marker == _EOI:
            yield bytes((_MARKS, _EOI))
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if marker == _SOS:
            end = _end_of_scan(data, end)
        if end > len(data):
            raise Broken("a segment is longer than the file")
        if _draws(marker, data[at + 4 : at + 18]):
            yield data[at:end]
        at = end


def _marker_at(data: bytes, at: int) -> tuple[int, int]:
    """Where the marker begins, without bytes that only fill, and which it is."""
    if data[at] != _MARKS:
        raise Broken("no marker where one must be")
    while data[at + 1] == _MARKS:
        at += 1
    return at, data[at + 1]


def _end_of_scan(data: bytes, at: int) -> int:
    found = _ENDS_SCAN.search(data, at)
    if found is None:
        raise Broken("a scan without an end")
    return found.start()


def _draws(marker: int, begins: bytes) -> bool:
    """Whether a segment is needed to draw the picture: application segments mostly are not."""
    if not _APP0 <= marker <= _APP15:
        return marker != _COM
    kept = {_APP0: b"JFIF\0", _APP2: b"ICC_PROFILE\0", _APP14: b"Adobe"}.get(marker)
    return kept is not None and begins.startswith(kept)


def _png(data: bytes) -> Iterator[bytes]:
    if not data.startswith(_PNG):
        raise Broken("no start of a PNG")
    yield _PNG
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise Broken("a chunk is longer than the file")
        if kind in _PNG_KEPT:
            yield data[at:end]
        at = end


def _webp(data: bytes) -> Iterator[bytes]:
    riff, length, webp = struct.unpack_from("<4sI4s", data)
    if (riff, webp) != (b"RIFF", b"WEBP") or length + 8 > len(data):
        raise Broken("no whole WebP")
    kept = list(_webp_chunks(data[: length + 8]))
    yield struct.pack("<4sI4s", b"RIFF", 4 + sum(map(len, kept)), b"WEBP")
    yield from kept


def _webp_chunks(data: bytes) -> Iterator[bytes]:
    at = 12
    while at < len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length + length % 2
        if end > len(data) + length % 2:
            raise Broken("a chunk is longer than the file")
        chunk = data[at:end].ljust(end - at, b"\0")
        if kind == b"VP8X":
            yield chunk[:8] + bytes((chunk[8] & ~_WEBP_SAYS_EXIF_AND_XMP,)) + chunk[9:]
        elif kind in _WEBP_KEPT:
            yield chunk
        at = end


def _gif(data: bytes) -> Iterator[bytes]:
    if data[:6] not in (b"GIF87a", b"GIF89a"):
        raise Broken("no start of a GIF")
    at = 13 + _gif_colours(data[10])
    yield data[:at]
    while (kind := data[at]) != _GIF_END:
        if kind == _GIF_EXTENSION:
            end = _gif_blocks_end(data, at + 2)
        elif kind == _GIF_IMAGE:
            end = _gif_blocks_end(data, at + 11 + _gif_colours(data[at + 9]))
        else:
            raise Broken("no block where one must be")
        if kind == _GIF_IMAGE or _gif_is_kept(data[at + 1], data[at + 3 : at + 14]):
            yield data[at:end]
        at = end
    yield bytes((_GIF_END,))


def _gif_colours(flags: int) -> int:
    """Bytes of the table of colours that follows."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_blocks_end(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1


def _gif_is_kept(label: int, application: bytes) -> bool:
    if label == _GIF_APPLICATION:
        return application in _GIF_KEPT
    return label != _GIF_COMMENT


_PARTS: Mapping[str, Callable[[bytes], Iterator[bytes]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
    "image/gif": _gif,
}
