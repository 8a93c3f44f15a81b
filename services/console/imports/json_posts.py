"""Posts as JSON: an object per line, or all of them in one list."""

import json
from collections.abc import Iterator

from services.console.imports.decoding import bad_byte_in
from services.console.imports.lines import Line
from services.console.imports.posts import Fault, post_in

_BETWEEN_ITEMS = " \t\n,"
_SHOWN = 20


def json_lines(text: str) -> Iterator[Line]:
    """An object per line; empty lines are none."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _line(number, line)


def json_list(text: str) -> Iterator[Line]:
    """The objects of one list, on however many lines."""
    decoder = json.JSONDecoder()
    position = _next_item(text, text.index("[") + 1)
    number, counted = 1, 0
    while not text.startswith("]", position):
        number, counted = number + text.count("\n", counted, position), position
        try:
            _, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            at = error.lineno if isinstance(error, json.JSONDecodeError) else number
            yield Line(at, problem=f"the list cannot be read on from here: {error}")
            return
        yield _line(number, text[position:end])
        position = _next_item(text, end)
    if more := text[position + 1 :].strip():
        begins = text.index(more, position + 1)
        told = f"after the list there is more ({more[:_SHOWN]!r}…), which is not read: put every post into one list"
        yield Line(text.count("\n", 0, begins) + 1, problem=told)


def _next_item(text: str, position: int) -> int:
    while position < len(text) and text[position] in _BETWEEN_ITEMS:
        position += 1
    return position


def _line(number: int, body: str) -> Line:
    if bad := bad_byte_in(body):
        return Line(number, problem=f"the byte {bad} belongs to no character; save the file as UTF-8")
    try:
        return Line(number, post_in(body))
    except Fault as fault:
        return Line(number, problem=str(fault))
