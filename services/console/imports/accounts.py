"""Lines of a file whose accounts cannot publish them, as far as is known of the accounts. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from services.console.imports.lines import PostFile

MOST_LINES = 10

Obstacle = Literal["unknown", "disconnected", "needs_reconnect"]
_IN_WORDS: Mapping[str, str] = {
    "unknown": "the console knows no account {account!r}: {lines} would be accepted, and held when due"
    " unless it is connected before",
    "disconnected": "account {account!r} is disconnected: {lines} would be rejected, unless there already",
    "needs_reconnect": "account {account!r} must be connected again: {lines} would be held if due before",
}


def accounts_to_connect(posts: PostFile, known: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Accounts of a file that cannot publish, with their first lines; `known` are accounts as the API shows them."""
    standings = {account["account_id"]: _obstacle_of(account) for account in known}
    return [
        {"account_id": account_id, "obstacle": obstacle, "posts": len(lines), "lines": lines[:MOST_LINES]}
        for account_id, lines in _lines_by_account(posts).items()
        if (obstacle := standings.get(account_id, "unknown"))
    ]


def what_becomes_of(account: Mapping[str, Any]) -> str:
    """What a real import would do with the posts of an account that cannot publish."""
    return _IN_WORDS[account["obstacle"]].format(account=account["account_id"], lines=_named(account))


def _named(account: Mapping[str, Any]) -> str:
    """`line 4`, `lines 2, 5 and 9`, `lines 2, 3, 4 and 40 more`"""
    first = [str(number) for number in account["lines"]]
    if more := account["posts"] - len(first):
        return f"lines {', '.join(first)} and {more:,} more"
    return f"lines {', '.join(first[:-1])} and {first[-1]}" if len(first) > 1 else f"line {first[0]}"


def _obstacle_of(account: Mapping[str, Any]) -> Obstacle | None:
    """An account without settings is one that somebody tried to connect in vain."""
    if not account["connected"]:
        return "unknown" if account["settings"] is None else "disconnected"
    return "needs_reconnect" if account["needs_reconnect"] else None


def _lines_by_account(posts: PostFile) -> dict[str, list[int]]:
    lines: dict[str, list[int]] = {}
    for line in posts.posts:
        for target in (line.post or {})["targets"]:
            lines.setdefault(target["account_id"], []).append(line.number)
    return lines
