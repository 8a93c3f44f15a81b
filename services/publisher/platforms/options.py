"""A network's options, declared once: what each may be, checked in one way, and told to whoever schedules. No I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.publisher.platforms.account_fields import is_web_url
from services.publisher.platforms.base import Post
from services.publisher.platforms.errors import Rejected
from shared.events.rules import OptionRule
from shared.posting.rules import unknown_option

TRUE_OR_FALSE = ("true", "false")
"""What an OptionRule says of a flag."""
MOST_DIGITS = 20
MOST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Option:
    """One entry; `read` gives the value as the adapter uses it, or raises ValueError, whose words say what is wrong."""

    rule: OptionRule
    read: Callable[[Any], Any]
    expected: str
    """What it should be, where the ValueError has no words."""


@dataclass(frozen=True, slots=True)
class Options:
    """All options that a network knows."""

    table: tuple[Option, ...] = ()

    @property
    def rules(self) -> tuple[OptionRule, ...]:
        """As they are told with the account."""
        return tuple(option.rule for option in self.table)

    def checked(self, post: Post) -> Post:
        """The post with its options as the adapter uses them, without those that say nothing; or Rejected."""
        given = {name: value for name, value in post.options.items() if value not in (None, "")}
        if unknown := unknown_option(given, [option.rule.name for option in self.table]):
            raise Rejected(unknown, code="invalid_options")
        read = {option.rule.name: _read(option, given) for option in self.table if option.rule.name in given}
        return replace(post, options=read)


def flag(name: str) -> Option:
    """True or false."""
    return Option(OptionRule(name=name, choices=TRUE_OR_FALSE), _flag, "true or false")


def number(name: str) -> Option:
    """A whole number, also as a text of digits, as ids are written where numbers are too short for them."""
    return Option(OptionRule(name=name, is_number=True), _number, "a whole number")


def choice(name: str, choices: tuple[str, ...]) -> Option:
    """One of these."""
    return valid(name, lambda value: value in choices, " or ".join(choices), choices=choices)


def text(name: str, most: int | None = None) -> Option:
    """A text, not longer than this."""

    def is_text(value: Any) -> bool:
        return isinstance(value, str) and (most is None or len(value) <= most)

    return valid(name, is_text, f"a text of at most {most} characters" if most else "a text", most=most)


def url(name: str) -> Option:
    """An address on the web."""
    return valid(name, is_web_url, "an http(s) URL")


def valid(name: str, is_valid: Callable[[Any], bool], expected: str, **told: Any) -> Option:
    """What is taken as it is where it is valid; `told` is what an OptionRule says of it."""
    return Option(OptionRule(name=name, **told), lambda value: _where(is_valid(value), value), expected)


def refused(name: str, reason: str) -> Rejected:
    """The refusal of an option for this reason."""
    return Rejected(f"options.{name}: {reason}", code="invalid_options")


def _read(option: Option, given: Mapping[str, Any]) -> Any:
    name = option.rule.name
    try:
        return option.read(given[name])
    except ValueError as error:
        raise refused(name, str(error) or f"{_shown(given[name])} is not {option.expected}") from None


def _flag(value: Any) -> bool:
    if value in TRUE_OR_FALSE:
        return bool(value == "true")
    return bool(_where(isinstance(value, bool), value))


def _number(value: Any) -> int:
    if isinstance(value, str):
        return int(_where(value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS, value))
    return int(_where(isinstance(value, int) and not isinstance(value, bool), value))


def _where(is_possible: bool, value: Any) -> Any:
    if not is_possible:
        raise ValueError
    return value


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}…"
