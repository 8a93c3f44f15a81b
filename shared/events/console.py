"""The console's own facts: who did what with it."""

from typing import Literal

from shared.events.base import Count, Event, Id, Instant, Name, Value

MOST_OBJECTS = 500
"""So many of the things that an act is about are named; `count` counts them all."""


class ActedOn(Value):
    """One thing that an act is about."""

    kind: Name
    id: Id


class ConsoleActed(Event, type="console.acted"):
    """Somebody has done something with the console, or was refused: for whoever keeps such records."""

    act_id: Id
    who: Name
    via: Literal["page", "api", "command line"]
    address: str
    act: Name
    objects: tuple[ActedOn, ...] = ()
    count: Count
    outcome: Literal["done", "pending", "refused", "failed"]
    code: Name | None = None
    request_id: Id
    acted_at: Instant
