"""The options of a post on Bluesky. No I/O."""

from collections.abc import Mapping
from typing import Any

from services.publisher.platforms.options import Option, Options, valid
from shared.events.rules import OptionRule

MOST_LANGUAGES = 3


def languages(value: Any) -> list[str]:
    """One code, or a list of them."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str) and one for one in listed):
        raise ValueError
    if len(listed) > MOST_LANGUAGES:
        raise ValueError(f"there are {len(listed)}, and at most {MOST_LANGUAGES} are possible")
    return listed


def _is_card(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("title"), str)


OPTIONS = Options(
    (
        valid("card", _is_card, 'a card such as {"title": …, "description": …}'),
        Option(OptionRule(name="langs"), languages, 'a list of codes of languages, as ["en", "de-AT"]'),
    )
)
