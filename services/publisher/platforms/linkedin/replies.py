"""What LinkedIn's replies mean. No I/O."""

import re
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from services.publisher.platforms.errors import AlreadyThere, PlatformError, Transient
from services.publisher.platforms.judging import ANY, Dialect
from services.publisher.platforms.oauth import error_words
from services.publisher.platforms.reply import Reply, words_or_none

LIMITED_FOR = timedelta(minutes=15)
"""LinkedIn does not say when more is allowed: its limits are of a day."""


def words(reply: Reply) -> str | None:
    """Every refusal has a message."""
    return words_or_none(reply.json.get("message"))


def refused_upload(reply: Reply) -> PlatformError | None:
    """The store of pictures speaks no JSON, and an address that it has lent may have ended: another may go well."""
    if not reply.is_refusal or reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return None
    return Transient(reply.saying("a picture was not taken"), code="upload_refused")


def problem_with_token(told: Mapping[str, Any], author: str) -> str | None:
    """Why a token cannot post as the author, by what LinkedIn says of it; None where it can."""
    if told.get("active") is not True:
        return f"LinkedIn says that it is {words_or_none(told.get('status')) or 'not active'}; sign in once more"
    needed = "w_member_social" if author.startswith("urn:li:person:") else "w_organization_social"
    scopes = re.split(r"[,\s]+", words_or_none(told.get("scope")) or needed)
    return None if needed in scopes else f"it lacks the scope {needed}; sign in once more, and allow it"


def duplicate(reply: Reply) -> PlatformError | None:
    """The refusal of what is there already; it names the post that is."""
    said = words(reply) or ""
    is_duplicate = reply.status == HTTPStatus.UNPROCESSABLE_ENTITY and "duplicate" in said
    return AlreadyThere(reply.saying(said), code=str(reply.status)) if is_duplicate else None


AUTHORITY = Dialect(error_words)
DIALECT = Dialect(words, duplicate, usual_wait=LIMITED_FOR, has_limits_apart=True)
STORE = Dialect(documented=refused_upload, most_bytes=ANY.most_bytes)
