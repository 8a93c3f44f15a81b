"""What LinkedIn's replies mean. No I/O."""

from datetime import timedelta
from http import HTTPStatus

from services.publisher.platforms.errors import PlatformError, Transient
from services.publisher.platforms.judging import ANY, Dialect
from services.publisher.platforms.reply import Reply, words_or_none

LIMITED_FOR = timedelta(minutes=15)
"""LinkedIn does not say when more is allowed: its limits are of a day."""


def words(reply: Reply) -> str | None:
    """Every refusal has a message."""
    return words_or_none(reply.told.get("message"))


def refused_upload(reply: Reply) -> PlatformError | None:
    """The store of pictures speaks no JSON, and an address that it has lent may have ended: another may go well."""
    if not reply.is_refusal or reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return None
    return Transient(reply.saying("a picture was not taken"), code="upload_refused")


DIALECT = Dialect(words, usual_wait=LIMITED_FOR)
STORE = Dialect(documented=refused_upload, most_bytes=ANY.most_bytes)
