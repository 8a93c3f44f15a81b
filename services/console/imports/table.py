"""Tables of posts, as spreadsheets write them: the first line names the columns, every other is a post."""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence

from services.console.imports.columns import COLUMNS, WrongColumns, columns_of
from services.console.imports.decoding import bad_byte_in
from services.console.imports.lines import Body, Line
from services.console.imports.posts import Fault, post_in
from services.console.written_times import UnreadableTime, instant_or_local, is_without_zone

DELIMITERS = ",;\t|"
MOST_SNIFFED = 1_000
"""Characters of the first line by which the delimiter is known: Python's sniffer takes time by their square, for all
of which nothing else happens in the process."""
MOST_READ_AGAIN = 1_000_000
"""Lines, besides as many as the file has, that are read again after quotes that are never closed: the end of each is
looked for in the whole rest of the file."""
_EXCEL = re.compile(r"sep=(.)\n?", re.IGNORECASE)
_MAY_BE_LEFT_OUT = frozenset({"zone", "media", None})
"""Columns whose empty values spreadsheets leave out at the end of a line."""
_BETWEEN_ACCOUNTS = re.compile(r"[,;\s]+")
_BETWEEN_URLS = re.compile(r"[,;]?\s+|[,;](?=https?:)", re.IGNORECASE)
_STRAY = "\"'“”„,;"
_QUOTES = {
    "unexpected end of data": 'a quote (") opens here and is never closed; close it, or double it where it is text',
    "field larger": 'a value here is too long; is a quote (") not closed?',
    "expected after": 'a quote (") ends a value here, but the value goes on; double it where it is text',
}


def table_lines(text: str, zone: str | None) -> tuple[str, Iterator[Line]]:
    """The delimiter and the posts of a table; local times without a zone are in `zone`, if there is one."""
    lines = [f"{line}\n" for line in text.split("\n")]
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    told = _EXCEL.fullmatch(lines[first])
    if told and not bad_byte_in(told[1]):
        return told[1], _posts(lines, first + 1, told[1], zone)
    delimiter = _delimiter(lines[first])
    return delimiter, _posts(lines, first, delimiter, zone)


def _delimiter(header: str) -> str:
    try:
        return csv.Sniffer().sniff(header[:MOST_SNIFFED], delimiters=DELIMITERS).delimiter
    except csv.Error:
        return DELIMITERS[0]


def _posts(lines: Sequence[str], first: int, delimiter: str, zone: str | None) -> Iterator[Line]:
    records = _records(lines, first, delimiter)
    number, header = next(records, (first + 1, []))
    try:
        columns = columns_of(header) if isinstance(header, list) else []
    except WrongColumns as error:
        yield Line(number, problem=str(error))
        return
    for number, cells in records:
        if isinstance(cells, str):
            yield Line(number, problem=cells)
        elif any(cell.strip() for cell in cells):
            yield _line(number, columns, cells, zone)


def _records(lines: Sequence[str], start: int, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Each record with the line it begins in, or what is wrong with it: reading goes on in the line after that."""
    again = MOST_READ_AGAIN + len(lines)
    while start < len(lines):
        begins = start
        # A generator: other threads have their turns within a long record, and no line is gone through that was read.
        left = (lines[number] for number in range(start, len(lines)))
        reader = csv.reader(left, delimiter=delimiter, strict=True, skipinitialspace=True)
        try:
            for cells in reader:
                yield begins + 1, cells
                begins = start + reader.line_num
            return
        except csv.Error as error:
            yield begins + 1, _explained(error)
            again -= start + reader.line_num - begins
            start = begins + 1
            if again < 0:
                yield start + 1, "too many quotes before this line are never closed; the rest is not read"
                return


def _explained(error: csv.Error) -> str:
    return next((told for words, told in _QUOTES.items() if words in str(error)), str(error))


def _line(number: int, columns: Sequence[str | None], cells: Sequence[str], zone: str | None) -> Line:
    try:
        row = _row(columns, cells)
        post = post_in(json.dumps(_body(row, zone)))
    except Fault as fault:
        return Line(number, problem=str(fault))
    except UnreadableTime as error:
        return Line(number, problem=f"publish_at: {error}")
    return Line(number, post, in_default_zone=not row["zone"] and is_without_zone(row["publish_at"]))


def _row(columns: Sequence[str | None], cells: Sequence[str]) -> Mapping[str, str]:
    """The line's value for every column that a table may have."""
    if bad := bad_byte_in("".join(cells)):
        raise Fault(f"the byte {bad} belongs to no character; save the file as UTF-8, or name its --encoding")
    counted = f"{len(cells)} values for {len(columns)} columns"
    if any(cell.strip() for cell in cells[len(columns) :]):
        raise Fault(f"{counted}; put quotes around a value that has a delimiter")
    if not _MAY_BE_LEFT_OUT.issuperset(columns[len(cells) :]):
        raise Fault(f"{counted}; put quotes around a value that has a line break, or write the empty ones too")
    named = {name: cell for name, cell in zip(columns, cells, strict=False) if name}
    return {name: named.get(name, "") if name == "content" else named.get(name, "").strip() for name in COLUMNS}


def _body(row: Mapping[str, str], zone: str | None) -> Body:
    accounts = [name for part in _BETWEEN_ACCOUNTS.split(row["accounts"]) if (name := part.strip(_STRAY))]
    media = [url for part in _BETWEEN_URLS.split(row["media"]) if (url := part.strip(_STRAY))]
    return {
        "post_id": row["post_id"],
        "content": row["content"],
        "targets": [{"account_id": name} for name in accounts],
        "media": [{"url": url} for url in media],
        "publish_at": _publish_at(row, zone),
    }


def _publish_at(row: Mapping[str, str], zone: str | None) -> str | Body | None:
    at = row["publish_at"]
    if not at and row["zone"]:
        raise Fault(f"zone: {row['zone']!r} without a publish_at; give the time too, or leave both empty for now")
    if not at:
        return None
    return instant_or_local(at, row["zone"] or (zone if is_without_zone(at) else None))
