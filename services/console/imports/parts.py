"""A file in parts that the console takes in one request each. Pure."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.console.imports.lines import Line, PostFile
from shared.events.grouping import in_groups

MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """What is sent, and how to find its lines in the file: `numbers` of them, or None where it is the file itself."""

    content: bytes
    encoding: str | None
    numbers: Sequence[int] | None = None

    def line(self, number: int) -> int:
        """The number in the file of a line of this part."""
        return number if self.numbers is None else self.numbers[number - 1]


def parts_of(content: bytes, file: PostFile, encoding: str | None, *, most: int = MOST_BYTES) -> list[Part]:
    """The file as it is, or where that is too large its posts as JSON, in as few parts as hold them."""
    if len(content) <= most:
        return [Part(content, encoding)]
    return list(_in_parts(file.posts, most))


def _in_parts(lines: Sequence[Line], most: int) -> Iterator[Part]:
    texts = ((line.number, json.dumps(line.post, ensure_ascii=False).encode() + b"\n") for line in lines)
    for part in list(in_groups(texts, lambda one: len(one[1]), most=most)) or [[]]:
        yield Part(b"".join(text for _, text in part), "utf-8", [number for number, _ in part])
