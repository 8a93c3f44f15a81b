"""What the replies of an AT Protocol server mean: https://atproto.com/specs/xrpc#error-responses. No I/O."""

from services.publisher.platforms.errors import PlatformError, Rejected, Unauthorized
from services.publisher.platforms.judging import Dialect
from services.publisher.platforms.reply import Reply, words_or_none

INVALID_SWAP = "InvalidSwap"
REFUSES_SESSION = frozenset({"ExpiredToken", "InvalidToken", "AccountTakedown", "AccountDeactivated"})


def words(reply: Reply) -> str | None:
    """Every error has a name, most a message."""
    error = words_or_none(reply.json.get("error"))
    return error and (words_or_none(reply.json.get("message")) or error)


def documented(reply: Reply) -> PlatformError | None:
    """A name tells what a status alone does not: an expired token from a bad record."""
    error, message = words_or_none(reply.json.get("error")), words(reply) or ""
    if reply.is_refusal and error in REFUSES_SESSION:
        return Unauthorized(message, code=error)
    if reply.is_refusal and error == INVALID_SWAP:
        return Rejected(message, code=INVALID_SWAP)
    return None


def is_there_already(refusal: Rejected) -> bool:
    """Whether something stands under the record's key."""
    return refusal.detail.code == INVALID_SWAP


DIALECT = Dialect(words, documented)
