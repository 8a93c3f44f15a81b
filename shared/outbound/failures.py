"""What failures of aiohttp mean, as httpx exceptions that tell whether the request may have arrived."""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import httpx

# The first kind that fits; whatever is not listed was refused before sending.
MEANINGS: dict[type[Exception], tuple[type[httpx.TransportError], str]] = {
    aiohttp.ClientConnectorError: (httpx.ConnectError, "no connection"),
    aiohttp.ConnectionTimeoutError: (httpx.ConnectTimeout, "no connection in time"),
    aiohttp.ServerTimeoutError: (httpx.ReadTimeout, "no reply in time"),
    aiohttp.InvalidURL: (httpx.UnsupportedProtocol, "the URL cannot be requested"),
    aiohttp.NonHttpUrlClientError: (httpx.UnsupportedProtocol, "the URL is not one of HTTP"),
    aiohttp.ClientConnectionError: (httpx.ReadError, "the connection broke before the whole reply was there"),
    aiohttp.ClientPayloadError: (httpx.ReadError, "the connection broke before the whole reply was there"),
    aiohttp.ClientError: (httpx.RemoteProtocolError, "the reply is not HTTP"),
}
UNSENDABLE = (httpx.LocalProtocolError, "the request cannot be sent as HTTP")


class ForbiddenAddress(httpx.ConnectError):
    """The server's address is not public, and private addresses are not allowed."""


class NotPublicError(OSError):
    """Raised below aiohttp, which carries only an OSError up."""


@contextmanager
def faithful_errors() -> Iterator[None]:
    """Raise what `client` promises, where the transport calls a lost reply a failed connect.

    The causes are cut off: aiohttp's texts quote the URL, and some networks put the token into its path.
    """
    try:
        yield
    except httpx.TransportError as error:
        raise faithful(error.__cause__ or error) from None
    except (aiohttp.ClientError, ValueError) as error:
        raise faithful(error) from None


def faithful(error: BaseException) -> httpx.TransportError:
    """The exception that tells what became of the request."""
    reason = getattr(error, "os_error", None) or getattr(error, "certificate_error", None)
    if isinstance(reason, NotPublicError):
        return ForbiddenAddress(str(reason))
    kind, text = next((meaning for kind, meaning in MEANINGS.items() if isinstance(error, kind)), UNSENDABLE)
    return kind(f"{text}: {reason}" if reason else text)
