"""The few ways in which a platform can fail, each with what it proves about the request.

PlatformError
├── NotSent         nothing arrived: try again later, no attempt is used                         not_sent
│   └── Forbidden       our own settings forbid the address: so that nothing was asked               not_sent
├── Unavailable     "come back later" (503 and a network's own words for it): no attempt is used  refused
│   └── RateLimited     the same for a limit: mostly nothing else is sent before either           refused
├── Transient       refused, but not for good: try again, an attempt is used                      refused
├── Rejected        the platform will never take it                                               refused
│   └── AlreadyThere    because the same is there: no proof that nothing before has landed        refused
├── Unauthorized    the credentials are no longer good                                            refused
└── Unconfirmed     the request may have landed: never send anything else before that is settled  unknown
"""

from datetime import timedelta
from typing import ClassVar

from services.publisher.sending.evidence import Evidence
from shared.events.base import ErrorDetail

MOST_MESSAGE = 500
NO_CONNECTION, NO_REPLY, UNREADABLE_REPLY = "no_connection", "no_reply", "unreadable_reply"
NEEDS_RECONNECT = "needs_reconnect"
"""The code of an Unauthorized that others have been told of already."""


class PlatformError(Exception):
    """Something went wrong between us and the platform, which may want us back not before `retry_after` has passed."""

    kind: ClassVar[str]
    evidence: ClassVar[Evidence] = Evidence.REFUSED
    uses_try: ClassVar[bool] = True
    """Whether it counts against the tries that a post has."""
    opens_circuit: ClassVar[bool] = False
    """Whether it counts towards opening the account's circuit: any other post may well meet with the same."""

    def __init__(self, message: str, *, code: str = "", retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        told, named = message.replace("\x00", ""), code.replace("\x00", "")  # no database stores it
        self.detail = ErrorDetail(kind=self.kind, code=named or self.kind, message=told[:MOST_MESSAGE])
        self.retry_after = retry_after

    @property
    def is_silence(self) -> bool:
        """Whether there was no answer at all."""
        return self.detail.code in (NO_CONNECTION, NO_REPLY)


class NotSent(PlatformError):
    """Nothing arrived: the name, the connection or TLS failed."""

    kind = "not_sent"
    evidence = Evidence.NOT_SENT
    uses_try = False
    opens_circuit = True

    def __init__(self, message: str, *, code: str = NO_CONNECTION) -> None:
        super().__init__(message, code=code)


class Forbidden(NotSent):
    """The address is not public. It was when the account was connected: a setting is wrong, or a name server."""

    def __init__(self, message: str) -> None:
        way_out = "set TIMEBALL_ALLOW_PRIVATE_ADDRESSES to allow it"
        super().__init__(f"{message}; {way_out}", code="forbidden_address")


class Unavailable(PlatformError):
    """The platform took nothing and wants us to come back."""

    kind = "unavailable"
    uses_try = False
    opens_circuit = True


class RateLimited(Unavailable):
    """A limit is reached; until `retry_after` nothing is taken, with `whole_app` on all accounts of the app.

    Unless it `closes` them, it is a limit of look-ups or uploads alone, and other posts may well be taken.
    """

    kind = "rate_limited"
    opens_circuit = False
    retry_after: timedelta

    def __init__(
        self,
        message: str,
        *,
        retry_after: timedelta,
        code: str = "",
        whole_app: bool = False,
        closes: bool = True,
    ) -> None:
        super().__init__(message, code=code, retry_after=retry_after)
        self.whole_app = whole_app
        self.closes = closes


class Transient(PlatformError):
    """Nothing was published; the same request may succeed later."""

    kind = "transient"
    opens_circuit = True


class Rejected(PlatformError):
    """The platform will never take this."""

    kind = "rejected"


class AlreadyThere(Rejected):
    """The platform has the same already: another post, or this one where a request for it has left before."""

    @classmethod
    def by(cls, refusal: Rejected) -> "AlreadyThere":
        """By a refusal that says so."""
        return cls(refusal.detail.message, code=refusal.detail.code)


class Unauthorized(PlatformError):
    """The credentials are not, or no longer, good."""

    kind = "unauthorized"
    uses_try = False


class Unconfirmed(PlatformError):
    """The request may have landed."""

    kind = "unconfirmed"
    evidence = Evidence.UNKNOWN
    opens_circuit = True
