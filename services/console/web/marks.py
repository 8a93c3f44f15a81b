"""Marks on posts of the calendar: what stands in the way of one, or near it, in a word and in a sentence. Pure."""

from collections.abc import Collection, Iterator, Mapping

from services.console.read_model.due_spans import NEAR, Company
from shared.events.progress import State

MARKABLE = frozenset({State.SCHEDULED, State.DISPATCHED, State.RETRYING, State.HELD})
"""Posts of which something can still be done about it."""
MARKS: Mapping[str, str] = {
    "held": "it waits for somebody to retry it",
    "not connected": "its account is not connected, or must be connected again",
    "at once": "another post is due on its account at the same instant",
    "close": f"another post is due on its account within {NEAR.seconds // 60} minutes",
}
"""By the word that stands beside a post: what it means."""


def marks_on(state: State, company: Company, *, is_connected: bool) -> Iterator[str]:
    """The words that stand beside a post."""
    if state not in MARKABLE:
        return
    if state is State.HELD:
        yield "held"
    if not is_connected:
        yield "not connected"
    if company.is_at_once:
        yield "at once"
    elif company.is_near:
        yield "close"


def explained(words: Collection[str]) -> list[tuple[str, str]]:
    """What those of these words that are there mean."""
    return [(word, meaning) for word, meaning in MARKS.items() if word in words]
