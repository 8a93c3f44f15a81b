"""The few ways in which a platform can fail.

PlatformError
├── Transient       nothing was published: try again with backoff
├── RateLimited     nothing was published: wait, without using up an attempt
├── Rejected        the platform will never take it
├── Unauthorized    the credentials are no longer good
└── Unconfirmed     the request may have landed: never blindly send it again
"""

from datetime import timedelta
from typing import ClassVar

from shared.events.base import ErrorDetail

MOST_MESSAGE = 500
NO_CONNECTION, NO_REPLY = "no_connection", "no_reply"


class PlatformError(Exception):
    """Something went wrong between us and the platform."""

    kind: ClassVar[str]

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.detail = ErrorDetail(kind=self.kind, code=code or self.kind, message=message[:MOST_MESSAGE])

    @property
    def is_silence(self) -> bool:
        """Whether there was no answer at all."""
        return self.detail.code in (NO_CONNECTION, NO_REPLY)


class Transient(PlatformError):
    """Nothing was published; the same request may succeed later, not before `retry_after` where one is given."""

    kind = "transient"

    def __init__(self, message: str, *, code: str = "", retry_after: timedelta | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class RateLimited(PlatformError):
    """Nothing was published; the platform wants us to wait, with `whole_app` on all accounts of the app."""

    kind = "rate_limited"

    def __init__(self, message: str, *, retry_after: timedelta, code: str = "", whole_app: bool = False) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after
        self.whole_app = whole_app


class Rejected(PlatformError):
    """The platform will never take this."""

    kind = "rejected"


class Unauthorized(PlatformError):
    """The credentials are not, or no longer, good."""

    kind = "unauthorized"


class Unconfirmed(PlatformError):
    """The request may have landed."""

    kind = "unconfirmed"
