"""Actors: who does something with the console, and what their token lets them do. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a token is good for; each includes those before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    def includes(self, other: "Scope") -> bool:
        """Whether who has this scope may do what needs the other."""
        order = list(Scope)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the name of a token with its scope; the token of the settings has no id."""

    name: str
    scope: Scope
    token_id: str | None = None


LOCAL = Actor("local", Scope.ADMIN)
"""Who has the token of the settings."""
