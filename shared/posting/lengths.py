"""How long a text is and may be, in each unit in which a network limits it. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import regex

from shared.events.rules import PostRules, TextRule, Unit
from shared.posting.counting import bare, counted, fits

_GRAPHEME = regex.compile(r"\X")


@dataclass(frozen=True, slots=True)
class Length:
    """How much there is of how much there may be."""

    count: int
    most: int
    unit: Unit

    @property
    def is_over(self) -> bool:
        return self.count > self.most


def rule_for(rules: PostRules, *, has_media: bool) -> TextRule | None:
    """The rule for the text of a post."""
    return rules.caption if has_media and rules.caption else rules.text


def as_counted(text: str, rule: TextRule, options: Mapping[str, Any]) -> tuple[str, str]:
    """The text as the network counts it: without its markup where it has some, and what is counted beside it."""
    if rule.markup_option and options.get(rule.markup_option):
        text = bare(text)
    extra = options.get(rule.with_option) if rule.with_option else None
    return text, extra if isinstance(extra, str) else ""


def lengths(text: str, rule: TextRule, options: Mapping[str, Any]) -> list[Length]:
    """The text's length in the rule's own unit, and in bytes where those are limited as well."""
    text, extra = as_counted(text, rule, options)
    own = Length(counted(text, rule, extra), rule.most, rule.counted_in)
    return [own] if rule.most_bytes is None else [own, Length(len(text.encode()), rule.most_bytes, "bytes")]


def end_of_what_fits(text: str, rule: TextRule, options: Mapping[str, Any]) -> int:
    """Where the part of the text ends that is not too long; no character is cut in two."""
    if _fits(text, rule, options):
        return len(text)
    ends = [0, *_ends(text)]
    first, last = 0, len(ends) - 1
    while last - first > 1:
        middle = (first + last) // 2
        first, last = (middle, last) if _fits(text[: ends[middle]], rule, options) else (first, middle)
    return ends[first]


def _ends(text: str) -> Iterator[int]:
    return (found.end() for found in _GRAPHEME.finditer(text))


def _fits(text: str, rule: TextRule, options: Mapping[str, Any]) -> bool:
    text, extra = as_counted(text, rule, options)
    return (rule.most_bytes is None or len(text.encode()) <= rule.most_bytes) and fits(text, rule, extra)


def telling(found: Sequence[Length]) -> Length:
    """The length to show: the one that is over, else the network's own."""
    return next((one for one in found if one.is_over), found[0])
