"""What the replies of a server with Mastodon's API mean. No I/O."""

import re
from http import HTTPStatus
from urllib.parse import urlsplit

from services.publisher.platforms.errors import PlatformError, Rejected, Unauthorized, Unavailable, Unconfirmed
from services.publisher.platforms.judging import Dialect
from services.publisher.platforms.reply import Reply, words_or_none

LOGIN_PAGES = ("/login", "/auth/sign_in")
REPLAYED, KEY_USED_UP = "replayed", "key_used_up"
_OF_TOKEN = re.compile("scope|token|unauthori[sz]ed|unauthenticated", re.IGNORECASE)
_OF_KEY = re.compile("idempotency", re.IGNORECASE)


def words(reply: Reply) -> str | None:
    """`error`; of Pixelfed `message`, of Pleroma and Pixelfed `errors` by field."""
    told = reply.json
    said = words_or_none(told.get("error_description")) or words_or_none(told.get("error"))
    if said or "message" in told:
        return said or str(told["message"])
    return str(told.get("errors") or told.get("error") or "") if "errors" in told or "error" in told else None


def documented(reply: Reply) -> PlatformError | None:
    """A token may be good, and yet not for this; Pixelfed leads whoever has none to its login page.

    Pleroma answers a key for six hours what it answered first, be it a refusal that has long been overcome.
    """
    said, code = words(reply), str(reply.status)
    if said is not None and reply.is_refusal and reply.headers.get("idempotent-replayed") == "true":
        return Rejected(reply.saying(f"{said} (repeated, as it was answered to this key before)"), code=REPLAYED)
    if said is not None and reply.status == HTTPStatus.FORBIDDEN and _is_of_account(reply, said):
        return Unauthorized(reply.saying(said), code=code)
    if said is not None and reply.status == HTTPStatus.CONFLICT:
        return Unconfirmed(reply.saying(f"the same status is still being worked on: {said}"), code=code)
    if 300 <= reply.status < 400 and _leads_to_login(reply):  # noqa: PLR2004  (redirects)
        return Unauthorized(reply.saying("the server asks to log in"), code=code)
    return None


def _is_of_account(reply: Reply, said: str) -> bool:
    """Pixelfed also refuses a post in this way, as one without pictures; of a token it says nothing, or names it."""
    return "error" in reply.json or not said or bool(_OF_TOKEN.search(said))


def is_repeated(refusal: Rejected) -> bool:
    """Pixelfed refuses a key that it knows in this way."""
    return refusal.detail.code in (str(int(HTTPStatus.BAD_REQUEST)), REPLAYED)


def not_there(refusal: Rejected) -> PlatformError:
    """What a refusal means without any status: a server may know a key for hours, whatever became of its request."""
    if refusal.detail.code != REPLAYED and not _OF_KEY.search(refusal.detail.message):
        return refusal
    reason = f"{refusal.detail.message}: no status came of this key, and none can be made with it for hours"
    return Unavailable(reason, code=KEY_USED_UP)


def needs_another_key(error: PlatformError) -> bool:
    """Whether a server will make no status under the key, whatever we send."""
    return error.detail.code == KEY_USED_UP


def _leads_to_login(reply: Reply) -> bool:
    try:
        path = urlsplit(reply.headers.get("location", "")).path
    except ValueError:
        return False
    return path.rstrip("/").endswith(LOGIN_PAGES)


DIALECT = Dialect(words, documented, has_limits_apart=True)
