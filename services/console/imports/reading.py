"""Reading a file of posts: its format follows from its content, not from its name."""

from collections.abc import Iterable, Iterator

from services.console.imports.decoding import decoded
from services.console.imports.json_posts import json_lines, json_list
from services.console.imports.lines import Line, PostFile
from services.console.imports.table import table_lines


def read(
    content: bytes, *, zone: str | None = None, encoding: str | None = None, most_faults: int | None = None
) -> PostFile:
    """Every post of a file and every fault; or UnknownEncoding.

    A table's local times without a zone are in `zone`; where that is None, they are faults. After so many faults as
    `most_faults` allows, the rest is not read, which is a fault as well.
    """
    source = decoded(content, encoding)
    delimiter = None
    match source.text.lstrip()[:1]:
        case "":
            lines: Iterable[Line] = ()
        case "{":
            lines = json_lines(source.text)
        case "[":
            lines = json_list(source.text)
        case _:
            delimiter, lines = table_lines(source.text, zone)
    known = tuple(_bounded(_told_once(lines), most_faults)) or (Line(1, problem="there is no post in the file"),)
    return PostFile(known, source.encoding, source.is_guessed, delimiter)


def _bounded(lines: Iterable[Line], most_faults: int | None) -> Iterator[Line]:
    faults = 0
    for line in lines:
        faults += line.problem is not None
        if most_faults is not None and faults > most_faults:
            told = f"{most_faults:,} lines before this one have faults: is it a file of posts? The rest is not read"
            yield Line(line.number, problem=told)
            return
        yield line


def _told_once(lines: Iterable[Line]) -> Iterator[Line]:
    """A post that an earlier line has for the same account becomes a fault: only one of the two could be kept."""
    seen: dict[tuple[str, str], int] = {}
    for line in lines:
        keys = [(line.post["post_id"], target["account_id"]) for target in line.post["targets"]] if line.post else []
        repeated = next((key for key in keys if key in seen), None)
        if repeated:
            yield Line(line.number, problem=_repeats(*repeated, seen[repeated]))
        else:
            seen |= dict.fromkeys(keys, line.number)
            yield line


def _repeats(post_id: str, account_id: str, number: int) -> str:
    return f"post_id: {post_id!r} for {account_id!r} is in line {number} already; give this post an id of its own"
