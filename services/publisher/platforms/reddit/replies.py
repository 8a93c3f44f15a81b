"""What Reddit's replies mean: errors come with status 200 as well, a wait even in the words of a message. No I/O."""

import re
from datetime import timedelta

from services.publisher.platforms.allowance import LONGEST_WAIT
from services.publisher.platforms.errors import PlatformError, RateLimited, Rejected, Transient
from services.publisher.platforms.judging import ANY, Dialect
from services.publisher.platforms.reply import Reply, object_or_empty, words_or_none

USUAL_BREAK = timedelta(minutes=10)
_BREAK = re.compile(r"(\d{1,6}) (millisecond|second|minute|hour)s?")
_STORE_ERROR = re.compile(rb"<Code>(\w{1,60})</Code>")


def words(reply: Reply) -> str | None:
    """What it says of a refusal by its status."""
    told = reply.json
    return words_or_none(told.get("explanation")) or words_or_none(told.get("message"))


def documented(reply: Reply) -> PlatformError | None:
    """The first of the errors in the body. A break is one account's, whatever the headers say of the app."""
    errors = object_or_empty(reply.json.get("json")).get("errors")
    if not errors or not (reply.is_success or reply.is_refusal):
        return None
    code, message = _first(errors)
    if code == "RATELIMIT":
        return RateLimited(message, retry_after=break_in(message), code="ratelimit")
    return Rejected(message, code=code.lower())


def is_of_app(reply: Reply) -> bool:
    """Reddit counts requests per client id."""
    return True


def is_submitted_before(refusal: Rejected) -> bool:
    """Whether it is of a link that is there already."""
    return refusal.detail.code == "already_sub"


def break_in(message: str) -> timedelta:
    """The wait that Reddit asks for in words, e.g. `Take a break for 7 minutes`."""
    told = _BREAK.search(message)
    if told is None:
        return USUAL_BREAK
    return min(timedelta(**{f"{told[2]}s": int(told[1])}) + timedelta(seconds=1), LONGEST_WAIT)


def _first(errors: object) -> tuple[str, str]:
    """The code and the message of the first error: Reddit tells each as `[code, message, field]`."""
    first = errors[0] if isinstance(errors, list) else None
    parts = [str(part) for part in first] if isinstance(first, list) and first else ["", str(errors)]
    return parts[0], ": ".join(parts[:2])


def store_of(which: str) -> Dialect:
    """How the store speaks that a picture is uploaded to: what is not about the picture may go well with another form.

    Of a refusal only the error's name is told, for the rest may repeat what gives access to the store.
    """

    def refused(reply: Reply) -> PlatformError | None:
        if reply.is_success:
            return None
        named = _STORE_ERROR.search(reply.body)
        name = named[1].decode() if named else "no reason given"
        if name == "EntityTooLarge":
            return Rejected(f"{which}: Reddit finds the picture too large; use a smaller one", code="media_too_large")
        return Transient(f"{which}: not uploaded: {reply.saying(name)}", code="upload_refused")

    return Dialect(documented=refused, most_bytes=ANY.most_bytes)


DIALECT = Dialect(words, documented, is_of_app=is_of_app)
