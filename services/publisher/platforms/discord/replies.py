"""What Discord's replies mean. No I/O."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from services.publisher.platforms.allowance import wait_of
from services.publisher.platforms.discord.sender import Sender
from services.publisher.platforms.errors import PlatformError, Unauthorized
from services.publisher.platforms.judging import Dialect
from services.publisher.platforms.reply import Reply, words_or_none

UNKNOWN_WEBHOOK = 10015


def words(reply: Reply) -> str | None:
    """The message, and the fields that are wrong where the JSON names them."""
    message = words_or_none(reply.json.get("message"))
    return message and "; ".join([message, *_faults(reply.json.get("errors"))])


def documented(reply: Reply) -> PlatformError | None:
    """A webhook that was deleted."""
    if reply.status == HTTPStatus.NOT_FOUND and reply.json.get("code") == UNKNOWN_WEBHOOK:
        return Unauthorized(reply.saying(f"{words(reply)}: the webhook was deleted"), code=str(UNKNOWN_WEBHOOK))
    return None


def wait(reply: Reply) -> timedelta | None:
    """More exact than the header beside it."""
    return wait_of(reply.json.get("retry_after"))


def is_of_app(reply: Reply) -> bool:
    """A global limit is the bot's, whatever channel it writes to."""
    return reply.json.get("global") is True or reply.headers.get("x-ratelimit-scope") == "global"


def dialect_for(sender: Sender) -> Dialect:
    """Replies are told without the sender's secret, which a proxy's page may quote."""
    return replace(DIALECT, secrets=(sender.secret,))


def _faults(errors: Any, path: str = "") -> Iterator[str]:
    """`content: Must be 2000 or fewer in length.` for every field that Discord finds wrong."""
    if not isinstance(errors, dict):
        return
    for name, inner in errors.items():
        if name == "_errors" and isinstance(inner, list):
            yield from (f"{path}: {one.get('message')}" for one in inner if isinstance(one, dict))
        else:
            yield from _faults(inner, f"{path}.{name}" if path else str(name))


DIALECT = Dialect(words, documented, wait, is_of_app=is_of_app, has_limits_apart=True)
