"""What a server with Mastodon's API accepts, by what it says of itself. No I/O."""

from collections.abc import Mapping
from typing import Any

from services.publisher.platforms.media import PictureLimits
from shared.events.rules import MediaRule, OptionRule, PostRules, TextRule

VISIBILITIES = ("public", "unlisted", "private", "direct")
PICTURES = PictureLimits(most_bytes=8_000_000, most_side=4096)
"""What every server takes that has not been told otherwise; current ones take more."""
MOST_CHARACTERS, MOST_PICTURES, LINK_LENGTH, MOST_ALT = 500, 4, 23, 1500
OPTIONS = (
    OptionRule(name="visibility", choices=VISIBILITIES),
    OptionRule(name="spoiler_text", most=MOST_CHARACTERS),
    OptionRule(name="sensitive", choices=("true", "false")),
    OptionRule(name="language", most=35),
)


def rules_of(instance: Mapping[str, Any]) -> PostRules:
    """The rules in the answer of `/api/v2/instance` or `/api/v1/instance`; Mastodon's own where it says nothing."""
    configuration = _part(instance, "configuration")
    statuses, media = _part(configuration, "statuses"), _part(configuration, "media_attachments")
    most = _number(statuses, "max_characters") or _number(instance, "max_toot_chars") or MOST_CHARACTERS
    text = TextRule(
        most=most,
        counted_in="graphemes",
        link_length=_number(statuses, "characters_reserved_per_url") or LINK_LENGTH,
        short_mentions=True,
    )
    pictures = MediaRule(
        most=_number(statuses, "max_media_attachments") or MOST_PICTURES,
        most_bytes=_number(media, "image_size_limit") or PICTURES.most_bytes,
        alt=TextRule(most=_number(media, "description_limit") or MOST_ALT),
    )
    return PostRules(text=text, media=pictures, options=OPTIONS)


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, Mapping) else {}


def _number(part: Mapping[str, Any], name: str) -> int | None:
    value = part.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
