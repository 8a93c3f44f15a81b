"""Words of the page: states, spans of time and figures as people say them. Pure."""

import json
from collections.abc import Collection, Mapping
from datetime import timedelta

from services.console.shown_times import UNITS, duration

STATES: Mapping[str, tuple[str, str]] = {
    "scheduled": ("Scheduled", "calm"),
    "dispatched": ("About to go", "active"),
    "sending": ("Being sent", "active"),
    "retrying": ("Retrying", "wait"),
    "unknown": ("Outcome unknown", "bad"),
    "held": ("Held", "wait"),
    "skipped": ("Skipped", "quiet"),
    "failed": ("Failed", "bad"),
    "cancelled": ("Cancelled", "quiet"),
    "published": ("Published", "good"),
}
"""By state: what people read, and the meaning that gives its colour."""

RUNS: Mapping[str, tuple[str, str]] = {
    "running": ("Running", "active"),
    "succeeded": ("Done", "good"),
    "failed": ("Failed", "bad"),
    "released": ("Stopped, runs again", "wait"),
    "skipped": ("Skipped", "quiet"),
}
"""By what became of a tick: what people read, and its meaning."""

ACTS: Mapping[str, tuple[str, str]] = {
    "cancel": ("Cancel {}", "cancelled"),
    "retry": ("Retry {} now", "tried again"),
    "move": ("Move {}", "moved"),
    "published": ("Resolve {} as published", "resolved as published"),
    "not_published": ("Resolve {} as not published", "resolved as not published"),
    "ask_network": ("Ask the network about {}", "asked of the network"),
}
"""By act on many posts: what it is called with the posts in it, and what they are afterwards."""


def away(span: timedelta) -> str:
    """`in 3 min`, `2 h ago`, `now`"""
    seconds = span.total_seconds()
    size = abs(seconds)
    if size < 1:
        return "now"
    told = next(f"{int(size // length)} {unit}" for length, unit in UNITS if size >= length)
    return f"in {told}" if seconds > 0 else f"{told} ago"


def in_words(span: timedelta) -> str:
    """`in 49 days`, `in 30 hours`, `2 days ago`, `now`, in units of which there are two at least where there can be."""
    seconds = abs(span.total_seconds())
    if seconds < 1:
        return "now"
    told = next(count(int(seconds // length), unit) for least, length, unit in _LONG_UNITS if seconds >= least)
    return f"in {told}" if span > timedelta(0) else f"{told} ago"


_LONG_UNITS = ((172_800, 86_400, "day"), (7_200, 3_600, "hour"), (60, 60, "minute"), (1, 1, "second"))
"""From how many seconds on a unit is used, its length and its name."""


def distance(days: int, seconds: int) -> str:
    """`3 days`, `-1 hour`, `1 day and 30 minutes`"""
    parts = [(days, "day")] if days else []
    if seconds:
        length, name = next((one for one in _LENGTHS if seconds % one[0] == 0), _LENGTHS[-1])
        parts.append((seconds // length, name))
    return " and ".join(f"{number} {name if abs(number) == 1 else name + 's'}" for number, name in parts)


def shift(days: int, seconds: int) -> str:
    """`2 days earlier`, `90 minutes later`, `1 day and -1 hour later`"""
    if days <= 0 and seconds <= 0:
        return f"{distance(-days, -seconds)} earlier"
    return f"{distance(days, seconds)} later"


_LENGTHS = ((3_600, "hour"), (60, "minute"), (1, "second"))


def lateness(milliseconds: float | None) -> str:
    """`+0.4 ms`, `+1.2 s`: how late a send started."""
    if milliseconds is None:
        return ""
    return f"{'+' if milliseconds >= 0 else '-'}{duration(abs(milliseconds))}"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 post`, `1,204 posts`"""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def option(value: object) -> str:
    """An option as a field of a form holds it."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def further_options(values: Mapping[str, object], known: Collection[str]) -> str:
    """The options that have no field of their own, as JSON."""
    further = {name: value for name, value in values.items() if name not in known}
    return json.dumps(further, ensure_ascii=False, indent=1) if further else ""
