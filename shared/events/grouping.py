"""Things in groups, each of which fits into one message. Pure."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

ThingT = TypeVar("ThingT")


def in_groups(
    things: Iterable[ThingT], size_of: Callable[[ThingT], int], *, most: int, most_things: int | None = None
) -> Iterator[list[ThingT]]:
    """The things in their order, together as many as are no larger than `most`; one that is larger is alone."""
    group: list[ThingT] = []
    size = 0
    for thing in things:
        needed = size_of(thing)
        if group and (size + needed > most or len(group) == most_things):
            yield group
            group, size = [], 0
        group.append(thing)
        size += needed
    if group:
        yield group
