"""Entries of a post's `options`, of the kind that a network needs; Rejected where they are of another."""

from typing import Any

from services.publisher.platforms.base import Post
from services.publisher.platforms.errors import Rejected

TRUE_OR_FALSE = ("true", "false")
"""What an OptionRule says of a flag."""
MOST_DIGITS = 20


def flag(post: Post, name: str) -> bool | None:
    """True, false, or None where nothing is said."""
    value = post.options.get(name)
    if value in TRUE_OR_FALSE:
        return bool(value == "true")
    if value is None or isinstance(value, bool):
        return value
    raise wrong(name, value, "true or false")


def number(post: Post, name: str) -> int | None:
    """A whole number, also as a text of digits, as ids are written where numbers are too short for them."""
    value = post.options.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS:
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise wrong(name, value, "a whole number")


def choice(post: Post, name: str, choices: tuple[str, ...]) -> str | None:
    """One of the choices, or None where nothing is said."""
    value = post.options.get(name)
    if value is None or value in choices:
        return value
    raise wrong(name, value, " or ".join(choices))


def wrong(name: str, value: Any, expected: str) -> Rejected:
    """The refusal of an option."""
    return Rejected(f"options.{name}: {value!r} is not {expected}", code="invalid_options")
