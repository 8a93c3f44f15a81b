"""What a network takes of a picture. No I/O."""

from dataclasses import dataclass

PICTURE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
READABLE_TYPES = (*PICTURE_TYPES, "image/heic", "image/heif", "image/avif", "image/tiff", "image/bmp")
"""What a post may show anywhere: what a network does not take becomes a JPEG."""


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a network takes; a picture that is too large is made smaller, of another type is turned into JPEG."""

    most_bytes: int
    types: tuple[str, ...] = PICTURE_TYPES
    most_side: int | None = None
    """Pixels of the longer side."""
    most_pixels: int | None = None
    """Width times height."""
    moving: tuple[str, ...] = ()
    """Types whose animations the network shows moving. Others would stand still there, and are refused."""
