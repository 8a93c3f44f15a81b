"""Every event of the public contract, typed. The services share nothing else."""

from shared.events import (
    callbacks,
    console,
    dead_letters,
    keys,
    limits,
    maintenance,
    monitor,
    publisher,
    rebuilding,
    requests,
    scheduler,
    trials,
)
from shared.events.base import Event

__all__ = ["EVENTS", "Event"]

_MODULES = (
    requests,
    scheduler,
    publisher,
    callbacks,
    monitor,
    maintenance,
    keys,
    limits,
    rebuilding,
    dead_letters,
    trials,
    console,
)

EVENTS: dict[str, type[Event]] = {
    event.type: event
    for module in _MODULES
    for event in vars(module).values()
    if isinstance(event, type) and issubclass(event, Event) and event is not Event
}
"""Event class by its name on the wire."""
