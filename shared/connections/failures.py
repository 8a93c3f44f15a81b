"""Why a server cannot be reached, in words for the person who has to mend it; no secret and no code's own words."""

import socket
import ssl
from collections.abc import Iterator

NO_TLS = "WRONG_VERSION_NUMBER"


def why_not_reached(error: BaseException) -> str | None:
    """What the network or TLS said, None where the error is none of theirs; the first cause knows best."""
    return next(filter(None, map(_reason, reversed(list(causes(error))))), None)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, one after another."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop(0)
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            pending += [getattr(one, "orig", None), one.__cause__]


def _reason(error: BaseException) -> str | None:
    return _tls(error) if isinstance(error, ssl.SSLError) else _network(error)


def _tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: its certificate is not trusted: {error.verify_message}"
    reason = getattr(error, "reason", None)  # what OpenSSL did not raise has none
    return "TLS: no TLS is spoken there" if reason == NO_TLS else f"TLS failed: {reason or 'it broke off'}"


def _network(error: BaseException) -> str | None:
    match error:
        case socket.gaierror():
            return "its name cannot be found"
        case ConnectionRefusedError():
            return "connection refused: nothing listens there"
        case FileNotFoundError() | PermissionError():
            return "a file that its address names cannot be read"
        case TimeoutError():
            return "it does not answer"
        case OSError() if error.errno is not None:
            return f"it cannot be reached: {error.strerror}"
    return None
