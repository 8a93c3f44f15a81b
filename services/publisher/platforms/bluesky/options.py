"""The options of a post on Bluesky. No I/O."""

from collections.abc import Mapping
from typing import Any

from services.publisher.platforms.options import Options, anything

MOST_LANGUAGES = 3


def languages(value: Any) -> list[str]:
    """One code, or a list of them."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str) and one for one in listed):
        raise ValueError
    if len(listed) > MOST_LANGUAGES:
        raise ValueError(f"there are {len(listed)}, and at most {MOST_LANGUAGES} are possible")
    return listed


def card(value: Any) -> Mapping[str, Any]:
    """What a card shows of a link."""
    if not isinstance(value, Mapping) or not isinstance(value.get("title"), str):
        raise ValueError
    return value


OPTIONS = Options(
    (
        anything("card", card, 'a card such as {"title": …, "description": …}'),
        anything("langs", languages, 'a list of codes of languages, as ["en", "de-AT"]'),
    )
)
