"""What a file of posts holds, line by line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Body = Mapping[str, Any]
"""The body of a `schedule.requested`."""


@dataclass(frozen=True, slots=True)
class Line:
    """A post, or what is wrong with it; `number` is the line of the file in which it begins."""

    number: int
    post: Body | None = None
    problem: str | None = None
    in_default_zone: bool = False
    """Whether its time named neither an offset nor a zone."""


@dataclass(frozen=True, slots=True)
class PostFile:
    """A file as it was understood; `delimiter` is None where it is no table."""

    lines: Sequence[Line]
    encoding: str
    is_encoding_guessed: bool
    delimiter: str | None

    @property
    def posts(self) -> list[Line]:
        """The lines that can be sent."""
        return [line for line in self.lines if line.post]

    @property
    def faults(self) -> list[Line]:
        """The lines that cannot."""
        return [line for line in self.lines if line.problem]

    @property
    def in_default_zone(self) -> int:
        """How many posts are due at a local time of the default zone."""
        return sum(line.in_default_zone for line in self.lines)
