"""A mutation: a fault that is put into the code on purpose."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """A piece of a file's text, and what takes its place."""

    file: str
    before: str
    after: str


@dataclass(frozen=True)
class Mutation:
    """A fault put in on purpose. Without a scenario all take turns."""

    name: str
    changes: tuple[Change, ...]
    scenario: str | None = None


def one(name: str, file: str, before: str, after: str, scenario: str | None = None) -> Mutation:
    """A mutation of one place."""
    return Mutation(name, (Change(file, before, after),), scenario)
