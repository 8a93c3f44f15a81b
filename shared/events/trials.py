"""Trying keywords on what has already been posted, before a workspace watches for them."""

from typing import Literal

from shared.events.base import Count, Event, Id, Instant, Name, Text, Value, WebUrl
from shared.events.monitor import SubredditProblem
from shared.events.requests import Keyword, Subreddit


class KeywordsTryRequested(Event, type="keywords.try_requested"):
    """To look for keywords in the newest posts and comments of subreddits; nothing is kept, and nobody is told."""

    subreddits: tuple[Subreddit, ...]
    keywords: tuple[Keyword, ...]


class KeywordMatch(Value):
    """A post or comment in which keywords were found, with the beginning of what it says."""

    subreddit: str
    item_id: Id
    kind: Literal["post", "comment"]
    title: Text
    excerpt: Text
    url: WebUrl
    author: str
    keywords: tuple[str, ...]
    created_at: Instant


class KeywordsTried(Event, type="keywords.tried"):
    """What would have been found: `found` counts all matches, `matches` has the newest of them.

    `rejection` says why the keywords cannot be looked for; `problems` what could not be read.
    """

    subreddits: tuple[Name, ...]
    items: Count = 0
    found: Count = 0
    matches: tuple[KeywordMatch, ...] = ()
    problems: tuple[SubredditProblem, ...] = ()
    rejection: str | None = None
