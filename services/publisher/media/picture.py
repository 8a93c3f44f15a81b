"""A picture that a network takes."""

from dataclasses import dataclass

from services.publisher.media.keeping import File


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that fits; width and height are those of the picture held upright."""

    file: File
    mime: str
    width: int
    height: int
    moves: bool
    alt: str = ""
    """What it shows, for those who do not see it."""

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.file.size

    @property
    def ending(self) -> str:
        """What a file of this type is named with."""
        return "jpg" if self.mime == "image/jpeg" else self.mime.removeprefix("image/")
