"""What the monitor knows of workspaces, items and mentions, and what it decides about them. No I/O."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Literal

from shared.clocks.local_time import in_utc, zone_named

Kind = Literal["post", "comment"]
KINDS: tuple[Kind, Kind] = ("post", "comment")

FIRST_WAIT = timedelta(seconds=5)
MOST_ATTEMPTS = 9
"""Waits of 5, 10, 20 … s between them: a target that is away for twenty minutes still gets everything."""

_SUBREDDIT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_]{1,20}$")
_NOT_ONE_SUBREDDIT = frozenset({"all", "popular", "friends", "mod", "random", "randnsfw"})


class InvalidWorkspace(Exception):
    """The workspace cannot be watched as it is configured; the text names the field, its value and the way out."""


@dataclass(frozen=True, slots=True)
class Keyword:
    """What to look for, and the words beside which it does not count."""

    phrase: str
    match: Literal["word", "phrase", "substring", "regex"] = "word"
    exclude: tuple[str, ...] = ()
    case_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class DigestTime:
    """The time of day of a workspace's digest, `09:00` in an IANA zone."""

    at: str
    zone: str

    def due_at(self, day: date) -> datetime:
        """The instant of that day's digest."""
        return in_utc(datetime.combine(day, time.fromisoformat(self.at)), zone_named(self.zone))

    def latest_due_day(self, now: datetime) -> date:
        """The last local day whose digest time has come; a day that a zone has left out is none."""
        day = now.astimezone(zone_named(self.zone)).date()
        while self.due_at(day) > now or not self._exists(day):
            day -= timedelta(days=1)
        return day

    def _exists(self, day: date) -> bool:
        zone = zone_named(self.zone)
        return in_utc(datetime.combine(day, time()), zone).astimezone(zone).date() == day


@dataclass(frozen=True, slots=True)
class Workspace:
    """What somebody watches for; `target_ids` name the targets without telling them."""

    workspace_id: str
    subreddits: tuple[str, ...]
    keywords: tuple[Keyword, ...]
    target_ids: tuple[str, ...] = ()
    tells_at_once: bool = True


@dataclass(frozen=True, slots=True)
class Item:
    """A post or a comment; `item_id` is Reddit's full name, `t3_…` or `t1_…`."""

    item_id: str
    kind: Kind
    subreddit: str
    title: str
    text: str
    author: str
    url: str
    created_at: datetime

    @property
    def number(self) -> int:
        """Its place in time: Reddit counts its ids upwards, in base 36."""
        return number_of(self.item_id)

    @property
    def words(self) -> str:
        """What keywords are looked for in; a comment does not repeat the title of its post."""
        return f"{self.title}\n{self.text}" if self.kind == "post" else self.text


@dataclass(frozen=True, slots=True)
class Mention:
    """An item in which a workspace's keywords were found."""

    workspace: Workspace
    item: Item
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredMention:
    """A mention as a notification tells of it."""

    workspace_id: str
    item_id: str
    kind: str
    subreddit: str
    title: str
    excerpt: str
    url: str
    author: str
    phrases: str
    created_at: datetime
    found_at: datetime
    day: str | None

    @property
    def keywords(self) -> tuple[str, ...]:
        """The phrases that were found."""
        return tuple(json.loads(self.phrases))


class State(StrEnum):
    """How far one notification to one target has come."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Notification:
    """One mention (by its item), or one part of a digest (by its day), for one target."""

    delivery_id: str
    workspace_id: str
    target_id: str
    item_id: str | None
    day: str | None
    part: int
    state: str
    attempts: int
    lease_until: datetime | None
    error: str | None
    updated_at: datetime


def number_of(item_id: str) -> int:
    """The number in a full name; 0 where there is none."""
    return int(item_id.partition("_")[2] or "0", 36)


def check_subreddit(name: str) -> str:
    """The name in lower case, or InvalidWorkspace where Reddit could have no such subreddit."""
    if not _SUBREDDIT.match(name):
        raise InvalidWorkspace(
            f"subreddits: {name!r} cannot be a subreddit: 2 to 21 letters, digits or underscores, without `r/`"
        )
    if name.lower() in _NOT_ONE_SUBREDDIT:
        raise InvalidWorkspace(f"subreddits: {name!r} is not one subreddit but a feed of many; name those you mean")
    return name.lower()


def due_digest(digest: DigestTime, *, since: datetime, last_day: str | None, now: datetime) -> str | None:
    """The day whose digest is to be settled now, if any.

    Days that were missed are settled together with the latest one. A day before the digest was asked for is none, and
    no day comes twice, whatever becomes of time and zone.
    """
    day = digest.latest_due_day(now)
    if digest.due_at(day) <= since or (last_day and day.isoformat() <= last_day):
        return None
    return day.isoformat()


def wait_before(attempt: int) -> timedelta | None:
    """How long to wait before this attempt at telling a target; None where there shall be none."""
    return FIRST_WAIT * 2 ** (attempt - 2) if attempt <= MOST_ATTEMPTS else None


def grouped(names: Sequence[str], *, most: int, most_characters: int) -> list[tuple[str, ...]]:
    """The names in as few groups as possible, each small enough for one address."""
    groups: list[list[str]] = []
    for name in names:
        length = sum(map(len, groups[-1])) + len(groups[-1]) + len(name) if groups else 0
        if not groups or len(groups[-1]) == most or length > most_characters:
            groups.append([])
        groups[-1].append(name)
    return [tuple(group) for group in groups]
