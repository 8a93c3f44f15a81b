"""Constants of the services that a run changes, and that are as they were when it is over."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from services.console import missed_events
from services.console.api import run_work
from services.console.streaming import broker_watch
from services.publisher import app as publisher_app
from services.publisher.limits import lines
from services.scheduler import periodic
from shared.messaging import outbox, outbox_rows

Constant = tuple[ModuleType, str]

IDLE_LOOPS: tuple[Constant, ...] = (
    (outbox, "POLL_SECONDS"),
    (run_work, "LOOK_SECONDS"),
    (missed_events, "LOOK_SECONDS"),
    (broker_watch, "LOOK_SECONDS"),
    (periodic, "LOOK_EVERY"),
    (periodic, "SWEEP_EVERY"),
    (lines, "LOOK_EVERY"),
)
"""How often loops look that find nothing."""
NETS: dict[str, Constant] = {
    "sweep": (periodic, "OUTCOME_GRACE"),
    "takeover": (outbox_rows, "CLAIM"),
    "look": (lines, "LOOK_EVERY"),
}
TURNS: Constant = (publisher_app, "MOST_AT_ONCE")


@contextmanager
def usual_again() -> Iterator[None]:
    """All of them are afterwards what they were before."""
    usual = [(module, name, getattr(module, name)) for module, name in {*IDLE_LOOPS, *NETS.values(), TURNS}]
    try:
        yield
    finally:
        for module, name, value in usual:
            setattr(module, name, value)


def lengthen(constants: Iterable[Constant], factor: float) -> None:
    """Multiply them."""
    for module, name in constants:
        value: Any = getattr(module, name)
        setattr(module, name, value * factor)


def narrow(turns: int | None) -> None:
    """Let destinations take so few requests at once."""
    publisher_app.MOST_AT_ONCE = turns or publisher_app.MOST_AT_ONCE
