"""What a file of posts would do, told before anything is sent. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from services.console.imports.accounts import accounts_to_connect
from services.console.imports.lines import PostFile
from services.console.imports.posts import as_request, due_times
from shared.posting.rules import PAST_TOLERANCE

MOST_OF_AN_EXAMPLE = 60


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
        "accounts_to_connect": None if known is None else accounts_to_connect(posts, known),
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
