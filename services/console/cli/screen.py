"""The screen: plain lines and tables, coloured on a terminal."""

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH_OF_A_FILE = 160
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""With them a text from anywhere, such as a title on Reddit, could move the cursor, or rename the window."""


def prepare_streams() -> None:
    """Have standard streams that take every text: some are closed (`>&-`), some know few letters."""
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            nothing = Path(os.devnull).open("r" if name == "stdin" else "w", encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, nothing)
        elif name != "stdin":
            stream.reconfigure(errors="backslashreplace")


def screen(*, stderr: bool = False) -> Console:
    """Where answers go; a file or a pipe gets plain text in lines that do not depend on a window."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, soft_wrap=True, width=None if stream.isatty() else WIDTH_OF_A_FILE)


def harmless(text: str) -> str:
    """The text as a terminal may get it."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def say(line: str | Text, style: str = "") -> None:
    """One line."""
    told = line.copy() if isinstance(line, Text) else Text(line, style)
    told.plain = harmless(told.plain)
    screen().print(told)


def note(line: str) -> None:
    """One line beside the answer, which a pipe does not get."""
    screen(stderr=True).print(Text(harmless(line), "dim"))


def complain(line: str) -> None:
    """One line about what went wrong."""
    screen(stderr=True).print(Text(harmless(line), "red"))


def counted(number: int, noun: str) -> str:
    """`1 post`, `2,000 posts`"""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"


def show_json(answer: Any) -> None:
    """The answer for a program; what the stream has no letters for is escaped."""
    knows_all = (sys.stdout.encoding or "").lower().startswith("utf")
    print(json.dumps(answer, ensure_ascii=not knows_all))


def show_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], styles: Mapping[str, str] = {}
) -> None:
    """A table, or that it is empty; what is None stays blank, and words in `styles` get their colour."""
    table = Table(title=Text(harmless(title)), title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value, styles) for value in row))
    if table.row_count:
        screen().print(table)
    else:
        say(f"{title}: none")


def _cell(value: Any, styles: Mapping[str, str]) -> Text:
    text = "" if value is None else harmless(str(value))
    return Text(text, styles.get(text, ""))
