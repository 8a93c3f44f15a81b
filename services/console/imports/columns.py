"""The first line of a table: which column is which, however it is written."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

REQUIRED = ("post_id", "content", "accounts")
COLUMNS = (*REQUIRED, "publish_at", "zone", "media")
MOST_TOLD = 10
"""Unknown columns that are told one by one: the first line of something else may seem to have millions."""
_LEFT_OUT = "#"
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


class WrongColumns(ValueError):
    """The first line does not name the columns that a table of posts has."""


def columns_of(header: Sequence[str]) -> list[str | None]:
    """The column under each name of the first line, None for one that is to be left out; or WrongColumns."""
    columns = [_column(name) for name in header]
    problems = [*_unknown(header, columns), *_repeated(columns)]
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        problems.insert(0, f"the first line must name the columns; there is no {', '.join(missing)}")
    if problems:
        raise WrongColumns("; ".join(problems))
    return columns


def _column(name: str) -> str | None:
    compact = _compact(name)
    return None if compact.startswith(_LEFT_OUT) or not compact else _BY_NAME.get(compact, name.strip())


def _compact(name: str) -> str:
    return _BETWEEN_WORDS.sub("", name).casefold()


_BY_NAME = {_compact(name): name for name in COLUMNS}


def _unknown(header: Sequence[str], columns: Sequence[str | None]) -> list[str]:
    unknown = [column for column in columns if column is not None and column not in COLUMNS]
    if len(unknown) == len([name for name in header if name.strip()]) > 0:
        return [f"it reads {', '.join(map(repr, unknown))[:80]}; the columns are {', '.join(COLUMNS)}"]
    more = [f"{len(unknown) - MOST_TOLD:,} more are no columns either"] if len(unknown) > MOST_TOLD else []
    return [*map(_help, unknown[:MOST_TOLD]), *more]


def _help(name: str) -> str:
    near = get_close_matches(_compact(name), _BY_NAME, n=1)
    if near:
        return f"{name!r}: do you mean {_BY_NAME[near[0]]!r}?"
    return f"{name!r}: no such column; rename it to one of {', '.join(COLUMNS)}, or to '#{name}' to leave it out"


def _repeated(columns: Sequence[str | None]) -> list[str]:
    twice = [name for name in COLUMNS if columns.count(name) > 1]
    return [f"{name!r} is there {columns.count(name)} times; name it once" for name in twice]
