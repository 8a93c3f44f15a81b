"""Posts in files: JSON lines with bodies of `schedule.requested`, or a CSV table.

Columns of the table: post_id, content, accounts (ids separated by spaces or semicolons), publish_at, zone (for a
publish_at without an offset), media (URLs separated by spaces). The first three are required.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from services.console.cli.times import UnreadableTime, instant_or_local
from shared.events.base import explain
from shared.events.requests import ScheduleRequested

_REQUIRED = ("post_id", "content", "accounts")
_KNOWN = {*_REQUIRED, "publish_at", "zone", "media"}
_SEPARATORS = re.compile(r"[;\s]+")


class UnreadableFile(Exception):
    """The file as a whole cannot be read as posts."""


@dataclass(frozen=True, slots=True)
class Line:
    """A post of a file, or the problem with it; `end` is how far into the file it reaches, in bytes."""

    number: int
    end: int
    post: Mapping[str, Any] | None = None
    problem: str | None = None


def lines_of(path: Path) -> Iterator[Line]:
    """Every post of the file, in order; the file is read as it goes."""
    with path.open("rb") as file:
        yield from _table(file) if path.suffix.lower() == ".csv" else _json_lines(file)


def _json_lines(file: IO[bytes]) -> Iterator[Line]:
    end = 0
    for number, raw in enumerate(file, start=1):
        end += len(raw)
        if raw.strip():
            yield _read(number, end, raw)


def _read(number: int, end: int, body: bytes | str) -> Line:
    try:
        request = ScheduleRequested.model_validate_json(body)
    except ValidationError as error:
        return Line(number, end, problem=explain(error))
    return Line(number, end, post=request.model_dump(mode="json", exclude_none=True, exclude_defaults=True))


def _table(file: IO[bytes]) -> Iterator[Line]:
    table = _Counted(file)
    rows = csv.DictReader(table, strict=True)
    try:
        _check_columns(rows.fieldnames or ())
        for row in rows:
            yield _from_row(rows.line_num, table.taken, row)
    except csv.Error as error:
        raise UnreadableFile(f"line {rows.line_num + 1}: {error}") from error


class _Counted:
    """The lines of a file as text, and how many bytes they were."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.taken = 0

    def __iter__(self) -> Iterator[str]:
        encoding = "utf-8-sig"
        for raw in self._file:
            self.taken += len(raw)
            yield _decoded(raw, encoding)
            encoding = "utf-8"


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"the file is not UTF-8: {error}") from error


def _check_columns(columns: Any) -> None:
    missing = [name for name in _REQUIRED if name not in columns]
    if missing:
        raise UnreadableFile(f"the first line must name the columns; missing: {', '.join(missing)}")
    unknown = [name for name in columns if name not in _KNOWN]
    if unknown:
        raise UnreadableFile(f"unknown columns: {', '.join(unknown)}; known are {', '.join(sorted(_KNOWN))}")


def _from_row(number: int, end: int, row: Mapping[str, Any]) -> Line:
    if None in row or None in row.values():
        return Line(number, end, problem="the line has another number of columns than the first line")
    try:
        body = _body(row)
    except UnreadableTime as error:
        return Line(number, end, problem=f"publish_at: {error}")
    return _read(number, end, json.dumps(body))


def _body(row: Mapping[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {"post_id": row["post_id"].strip(), "content": row["content"]}
    body["targets"] = [{"account_id": account_id} for account_id in _parts(row["accounts"])]
    if media := _parts(row.get("media", "")):
        body["media"] = [{"url": url} for url in media]
    if at := row.get("publish_at", "").strip():
        body["publish_at"] = instant_or_local(at, row.get("zone", "").strip() or None)
    return body


def _parts(text: str) -> list[str]:
    return [part for part in _SEPARATORS.split(text) if part]
