"""What the replies of Telegram's Bot API mean (core.telegram.org/bots/api#making-requests). No I/O."""

from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus

from services.publisher.platforms.allowance import wait_of
from services.publisher.platforms.errors import PlatformError, Rejected, Unauthorized
from services.publisher.platforms.judging import Dialect
from services.publisher.platforms.reply import Reply, object_or_empty, words_or_none


def words(reply: Reply) -> str | None:
    """Every refusal says that it is none of `ok`, and describes itself."""
    return words_or_none(reply.json.get("description")) if reply.json.get("ok") is False else None


def documented(reply: Reply) -> PlatformError | None:
    """A token that no bot has, and where a group has gone."""
    said = words(reply)
    if said is None or not reply.is_refusal:
        return None
    moved_to = object_or_empty(reply.json.get("parameters")).get("migrate_to_chat_id")
    if reply.status == HTTPStatus.NOT_FOUND:
        return Unauthorized(reply.saying(f"{said}: no bot has this token"), code=str(reply.status))
    if moved_to is not None:
        way_out = f"the group has become a supergroup; connect the account with settings.chat_id {moved_to}"
        return Rejected(reply.saying(f"{said}: {way_out}"), code="chat_moved")
    return None


def wait(reply: Reply) -> timedelta | None:
    """It stands in the body only."""
    return wait_of(object_or_empty(reply.json.get("parameters")).get("retry_after"))


def dialect_for(token: str) -> Dialect:
    """Replies are told without the part of the token that nobody may see.

    A proxy's page may quote the URL, and the colon in it escaped.
    """
    return replace(DIALECT, secrets=(token.partition(":")[2],))


DIALECT = Dialect(words, documented, wait)
