"""What a file of posts would do, told before anything is sent. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from services.console.imports.lines import PostFile
from services.console.imports.posts import as_request, due_times
from shared.posting.rules import PAST_TOLERANCE

MOST_OF_AN_EXAMPLE = 60
MOST_LINES = 10

Obstacle = Literal["unknown", "disconnected", "needs_reconnect"]
_IN_WORDS: Mapping[str, str] = {
    "unknown": "the console knows no account {account!r}: {lines} would be accepted, and held when due"
    " unless it is connected before",
    "disconnected": "account {account!r} is disconnected: {lines} would be rejected, unless there already",
    "needs_reconnect": "account {account!r} must be connected again: {lines} would be held if due before",
}


def faults_in(posts: PostFile) -> list[dict[str, Any]]:
    """Every line that cannot be sent, and why."""
    return [{"line": line.number, "reason": line.problem} for line in posts.faults]


def plan_of(posts: PostFile, now: datetime, known: Iterable[Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """What would be sent: how many posts to which account, from when until when.

    A time in the past is no fault of its line: a file may be imported again when some of its posts are out. `known`
    are the accounts as the API shows them, or None where nobody can be asked for them.
    """
    accounts: Counter[str] = Counter()
    dues: list[datetime | None] = []
    past_lines: list[int] = []
    for line in posts.posts:
        request = as_request(line.post or {})
        accounts.update(target.account_id for target in request.targets)
        due = due_times(request)
        past_lines += [line.number for one in due if one and one < now - PAST_TOLERANCE]
        dues += due
    timed = [due for due in dues if due]
    return {
        "posts": len(posts.posts),
        "accounts": dict(accounts),
        "accounts_to_connect": None if known is None else _accounts_to_connect(posts, known),
        "first_due": min(timed).isoformat() if timed else None,
        "last_due": max(timed).isoformat() if timed else None,
        "due_at_once": dues.count(None),
        "in_the_past": len(past_lines),
        "first_in_the_past": min(past_lines, default=None),
        "in_default_zone": posts.in_default_zone,
        "encoding": posts.encoding,
        "is_encoding_guessed": posts.is_encoding_guessed,
        "example": example_of(posts) if posts.is_encoding_guessed else None,
        "delimiter": posts.delimiter,
        "faults": faults_in(posts),
    }


def example_of(posts: PostFile) -> str | None:
    """The first text with letters by which a person can tell whether the encoding is right."""
    texts = (str(line.post["content"]) for line in posts.posts if line.post)
    return next((text[:MOST_OF_AN_EXAMPLE] for text in texts if not text.isascii()), None)


def _accounts_to_connect(posts: PostFile, known: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
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
