"""A post's timeline in words. Pure."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.console.web import words

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened when, its meaning (which gives its colour), and what more is known."""

    at: datetime
    said: str
    meaning: str
    detail: str = ""


def told_in(rows: Iterable[Mapping[str, Any]]) -> list[Happening]:
    """The timeline of a post, from its rows."""
    return [_happening(row["type"], json.loads(row["told"]), row["seen_at"]) for row in rows]


def _happening(event_type: str, told: Told, seen_at: datetime) -> Happening:
    at = datetime.fromisoformat(told["published_at"]) if "published_at" in told else seen_at
    say = _SAYINGS.get(event_type)
    if say is None:
        return Happening(at, event_type, "quiet")
    said, meaning = say(told)
    return Happening(at, said, meaning, _detail(told))


def _detail(told: Told) -> str:
    error = told.get("error") or {}
    return str(error.get("message") or error.get("code") or (told.get("warning") or "").replace("_", " "))


def _accepted(told: Told) -> tuple[str, str]:
    revision = told["revision"]
    if not told.get("changed", True):
        return f"Asked for again, nothing changed: revision {revision}", "quiet"
    return ("Accepted" if revision == 1 else f"Changed: revision {revision}"), "calm"


def _retrying(told: Told) -> tuple[str, str]:
    doubt = "; it may be out already" if told.get("in_doubt") else ""
    return f"Attempt {told.get('attempt', 1)} did not succeed, tried again later{doubt}", "wait"


def _succeeded(told: Told) -> tuple[str, str]:
    return f"Published {words.lateness(told.get('lateness_ms'))}".rstrip(), "good"


def _resolving(told: Told) -> tuple[str, str]:
    return _RESOLUTIONS.get(str(told.get("outcome")), "Settled by hand"), "calm"


def _because(said: str, meaning: str) -> Callable[[Told], tuple[str, str]]:
    def say(told: Told) -> tuple[str, str]:
        reason = str(told.get("reason", "")).replace("_", " ")
        return (f"{said}: {reason}" if reason else said), meaning

    return say


_RESOLUTIONS = {
    "published": "Settled by hand: it is out",
    "not_published": "Settled by hand: not out",
    "ask_network": "Asked of the network",
}
_SAYINGS: Mapping[str, Callable[[Told], tuple[str, str]]] = {
    "schedule.accepted": _accepted,
    "schedule.batch_settled": _accepted,
    "schedule.cancelled": _because("Cancelled", "quiet"),
    "schedule.superseded": lambda told: (f"Revision {told['revision']} gave way to {told['by']}", "quiet"),
    "publish.requested": lambda told: (f"Released to the publisher: revision {told['revision']}", "active"),
    "publish.retrying": _retrying,
    "publish.succeeded": _succeeded,
    "publish.failed": lambda told: ("Failed", "bad"),
    "publish.unknown": lambda told: ("Outcome unknown: it may be out", "bad"),
    "publish.skipped": _because("Skipped", "quiet"),
    "publish.held": _because("Held", "wait"),
    "publish.retry_requested": lambda told: ("Asked to be tried again", "calm"),
    "publish.resolve_requested": _resolving,
}
"""By the type of the event: what is said of it, and what it means."""
