"""The options of a message on Discord. No I/O."""

from typing import Any

from services.publisher.platforms.options import Options, anything, flag, number, text

FLAGS = {"suppress_embeds": 1 << 2, "suppress_notifications": 1 << 12}
MOST_EMBEDS, MOST_THREAD_NAME = 10, 100


def mentions(value: Any) -> dict[str, Any]:
    """Whom a message calls."""
    if not isinstance(value, dict):
        raise ValueError
    return value


def embeds(value: Any) -> list[Any]:
    """What stands below a message."""
    if not isinstance(value, list) or len(value) > MOST_EMBEDS:
        raise ValueError
    return value


OPTIONS = Options(
    (
        number("thread_id"),
        text("thread_name", MOST_THREAD_NAME),
        anything("allowed_mentions", mentions, "an object as Discord describes it"),
        anything("embeds", embeds, f"a list of at most {MOST_EMBEDS} embeds"),
        *(flag(name) for name in FLAGS),
    )
)
