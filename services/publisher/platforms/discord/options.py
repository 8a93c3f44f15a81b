"""The options of a message on Discord. No I/O."""

from typing import Any

from services.publisher.platforms.options import Options, flag, number, text, valid

FLAGS = {"suppress_embeds": 1 << 2, "suppress_notifications": 1 << 12}
MOST_EMBEDS, MOST_THREAD_NAME = 10, 100


def _are_embeds(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= MOST_EMBEDS


OPTIONS = Options(
    (
        number("thread_id"),
        text("thread_name", MOST_THREAD_NAME),
        valid("allowed_mentions", lambda value: isinstance(value, dict), "an object as Discord describes it"),
        valid("embeds", _are_embeds, f"a list of at most {MOST_EMBEDS} embeds"),
        *(flag(name) for name in FLAGS),
    )
)
