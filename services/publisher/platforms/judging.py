"""What a reply means for the post: the one place where that is judged, by what each network documents. No I/O.

| the reply                                      | to what publishes | to anything else |
|------------------------------------------------|-------------------|------------------|
| what the network documents (`documented`)      | that              | that             |
| 2xx                                            | taken             | taken            |
| 429                                            | RateLimited       | RateLimited      |
| 503                                            | Unavailable       | Unavailable      |
| 4xx in the words of the network's own API      | refused           | refused          |
| any other 5xx, a 3xx, another server's 4xx     | Unconfirmed       | Unavailable      |

Refused is Unauthorized (401), Transient (408, 425) or Rejected. A request without any reply is in `exchange`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http import HTTPStatus

from services.publisher.platforms.allowance import Allowance, allowance_of, retry_after_of
from services.publisher.platforms.errors import (
    PlatformError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    Unavailable,
    Unconfirmed,
)
from services.publisher.platforms.reply import Reply, words_or_none

USUAL_WAIT = timedelta(seconds=5)
"""Where a network says that it is too much, but not for how long."""
SHORT_REPLY, LONG_REPLY = 65536, 8 * 1024 * 1024
"""Of a reply no more bytes are read; a list of a hundred long posts is not cut off."""
MOST_OF_A_PAGE = 200


def any_words(reply: Reply) -> str | None:
    """Whatever was said: for an endpoint that has no form of its own."""
    said = reply.json.get("message") or reply.json.get("error")
    return str(said) if said else reply.text


def usual_allowance(reply: Reply) -> Allowance | None:
    """The usual headers."""
    return allowance_of(reply.headers, reply.at, reply.server_time)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a network speaks in its replies.

    `words` finds the words of the network's own API in a refusal; None where another server spoke, e.g. a proxy.
    `documented` is the error that a reply stands for, where its status does not say it.
    """

    words: Callable[[Reply], str | None] = any_words
    documented: Callable[[Reply], PlatformError | None] = lambda _reply: None
    wait: Callable[[Reply], timedelta | None] = lambda _reply: None
    """How long to wait, where the body tells it."""
    usual_wait: timedelta = USUAL_WAIT
    allowance: Callable[[Reply], Allowance | None] = usual_allowance
    """How many requests remain."""
    is_of_app: Callable[[Reply], bool] = lambda _reply: False
    """Whether what a reply says of limits holds for all accounts of the app."""
    has_limits_apart: bool = False
    """Whether the limits of look-ups and uploads are others than that of posts."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What an answer may quote and nobody may see, beside what the header Authorization has: in the URL or the body."""
    most_bytes: int = LONG_REPLY
    body_within: float | None = None
    """Where a status says it all: how many seconds its words are waited for. They need not be readable."""

    def allowance_in(self, reply: Reply) -> Allowance | None:
        """How many requests remain, and for whom."""
        told = self.allowance(reply)
        return replace(told, whole_app=self.is_of_app(reply)) if told else None


ANY = Dialect(most_bytes=SHORT_REPLY)
"""An endpoint of anybody: it has no form of its own, so that its 4xx are refusals whatever they say."""


def judged(reply: Reply, dialect: Dialect, *, publishes: bool) -> PlatformError | None:
    """The error that a reply stands for; None where the request was taken."""
    documented = dialect.documented(reply)
    if documented or reply.is_success:
        return documented
    words = dialect.words(reply)
    message = reply.saying(_foreign(reply) if words is None else words)
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _limited(reply, dialect, message, publishes=publishes)
    if reply.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return Unavailable(message, code=str(reply.status), retry_after=_wait(reply, dialect))
    if reply.is_refusal and words is not None:
        return _refusal(reply, dialect, message)
    if publishes:
        return Unconfirmed(message, code=str(reply.status))
    return Unavailable(message, code=str(reply.status), retry_after=_wait(reply, dialect))


def _limited(reply: Reply, dialect: Dialect, message: str, *, publishes: bool) -> PlatformError:
    wait, whole_app = _wait(reply, dialect) or dialect.usual_wait, dialect.is_of_app(reply)
    closes = publishes or whole_app or not dialect.has_limits_apart
    return RateLimited(message, retry_after=wait, code=str(reply.status), whole_app=whole_app, closes=closes)


def _refusal(reply: Reply, dialect: Dialect, message: str) -> PlatformError:
    code = str(reply.status)
    match reply.status:
        case HTTPStatus.UNAUTHORIZED:
            return Unauthorized(message, code=code)
        case HTTPStatus.REQUEST_TIMEOUT | HTTPStatus.TOO_EARLY:
            return Transient(message, code=code, retry_after=_wait(reply, dialect))
    return Rejected(message, code=code)


def _wait(reply: Reply, dialect: Dialect) -> timedelta | None:
    """By the body, by `Retry-After`, or until the allowance that is used up counts anew."""
    wait = dialect.wait(reply) or retry_after_of(reply.headers, reply.server_time)
    if wait is not None:
        return wait
    allowance = dialect.allowance(reply)
    return max(allowance.resets_at - reply.at, timedelta(0)) if allowance and allowance.is_used_up else None


def _foreign(reply: Reply) -> str:
    """What is told of a page that is not the API's."""
    title = words_or_none(reply.text)
    return f"not the network's own answer: {title[:MOST_OF_A_PAGE]}" if title else "not the network's own answer"
