"""What a server with Mastodon's API accepts, by what it says of itself. No I/O."""

from collections.abc import Mapping
from typing import Any

from services.publisher.media.limits import READABLE_TYPES, PictureLimits
from services.publisher.platforms.mastodon.options import OPTIONS
from services.publisher.platforms.reply import object_or_empty
from shared.events.rules import MediaRule, PostRules, TextRule

PICTURES = PictureLimits(most_bytes=8_000_000, most_side=4096, moving=("image/gif",))
"""What every server takes; current ones take more, and say so."""
MOST_PICTURES, LINK_LENGTH, MOST_ALT = 4, 23, 1500


def rules_of(instance: Mapping[str, Any]) -> PostRules:
    """The rules in the answer of `/api/v2/instance` or `/api/v1/instance`; no limit of a text where none is told."""
    configuration = _part(instance, "configuration")
    statuses, media = _part(configuration, "statuses"), _part(configuration, "media_attachments")
    most_alt = _number(media, "description_limit") or _number(instance, "description_limit")
    limits = pictures_of(instance)
    pictures = MediaRule(
        most=_number(statuses, "max_media_attachments") or MOST_PICTURES,
        types=READABLE_TYPES,
        most_bytes=limits.most_bytes,
        alt=TextRule(most=most_alt or MOST_ALT),
    )
    return PostRules(
        text=_text_rule(instance, statuses),
        media=pictures,
        needs_media=_is_pixelfed(instance),
        needs_one_of=("content", "media"),
        options=OPTIONS.rules,
        other_options=False,
    )


def pictures_of(instance: Mapping[str, Any]) -> PictureLimits:
    """What pictures the server takes, by bytes, pixels and types, as far as it tells."""
    media = _part(_part(instance, "configuration"), "media_attachments")
    told, most_pixels = media.get("supported_mime_types"), _number(media, "image_matrix_limit")
    types = tuple(kind for kind in PICTURES.types if kind in told) if isinstance(told, list) else ()
    return PictureLimits(
        most_bytes=_number(media, "image_size_limit") or PICTURES.most_bytes,
        types=types or PICTURES.types,
        most_side=None if most_pixels else PICTURES.most_side,
        most_pixels=most_pixels,
        moving=PICTURES.moving,
    )


def most_characters(instance: Mapping[str, Any]) -> int | None:
    """How long a text may be, where the server says so."""
    statuses = _part(_part(instance, "configuration"), "statuses")
    return _number(statuses, "max_characters") or _number(instance, "max_toot_chars")


def _text_rule(instance: Mapping[str, Any], statuses: Mapping[str, Any]) -> TextRule | None:
    most = most_characters(instance)
    if most is None:
        return None
    return TextRule(
        most=most,
        counted_in="graphemes",
        link_length=_number(statuses, "characters_reserved_per_url") or LINK_LENGTH,
        short_mentions=True,
        with_option="spoiler_text",
    )


def _is_pixelfed(instance: Mapping[str, Any]) -> bool:
    """It takes no status without a picture, and answers so only when it is sent."""
    return "pixelfed" in str(instance.get("version")).lower()


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return object_or_empty(whole.get(name))


def _number(part: Mapping[str, Any], name: str) -> int | None:
    value = part.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
