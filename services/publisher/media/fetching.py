"""Fetching: a picture from where a post says it is, into a file."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import httpx

from services.publisher.media.decoding import MOST_BYTES
from services.publisher.media.errors import Silent, Unfit, Unreachable
from services.publisher.media.keeping import File, PictureFiles, Writing
from shared.clocks.clock import loop_time
from shared.outbound.decoding import decoded
from shared.outbound.failures import ForbiddenAddress

MOST_REDIRECTS = 3
ANSWER_WITHIN = timedelta(seconds=20)
SLOWEST = 125_000
"""Bytes a second: a picture may take as much longer than an answer as it takes at this rate."""
AT_ONCE = 6
"""Pictures that are downloaded at the same time from one host."""
POSTS_AT_ONCE = 8
"""Posts of which some pictures of one host may be there, and others not yet."""
PART = 1024 * 1024
"""Bytes that are written to the file at once, by a thread."""


@dataclass(eq=False)
class Host:
    """One server of pictures: a few posts and downloads at a time, and no queue for one that does not answer."""

    downloads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    posts: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(POSTS_AT_ONCE))
    silent_at: float = float("-inf")

    @asynccontextmanager
    async def turn(self, turns: asyncio.Semaphore) -> AsyncIterator[None]:
        """Wait for a turn; Silent where the server has kept another one waiting for too long meanwhile."""
        came_at = loop_time()
        async with turns:
            if self.silent_at > came_at:
                raise Silent
            try:
                yield
            except Silent:
                self.silent_at = loop_time()
                raise


@dataclass(frozen=True)
class Fetching:
    """Downloads into files; a host that hangs holds up its own pictures only."""

    files: PictureFiles
    hosts: WeakValueDictionary[str, Host] = field(default_factory=WeakValueDictionary)

    async def fetch(self, client: httpx.AsyncClient, url: str) -> File:
        """The file at the URL; raises Unfit or Unreachable."""
        host = self.host_of(url)
        async with host.turn(host.downloads):
            with _named_failures():
                async with asyncio.timeout(ANSWER_WITHIN.total_seconds()) as deadline:
                    return await self._follow(client, url, deadline)

    def host_of(self, url: str) -> Host:
        """The server at the URL."""
        host = self.hosts.get(_host_of(url)) or Host()
        self.hosts[_host_of(url)] = host
        return host

    async def _follow(self, client: httpx.AsyncClient, url: str, deadline: asyncio.Timeout) -> File:
        """Every hop is a connection of its own, so that each address is checked."""
        for _ in range(MOST_REDIRECTS + 1):
            response = await client.send(client.build_request("GET", url), stream=True)
            try:
                if not response.has_redirect_location:
                    return await self._body(response, deadline)
                url = _next_hop(response)
            finally:
                await response.aclose()
        raise Unfit(f"more than {MOST_REDIRECTS} redirects; give its own address", "media_unreachable")

    async def _body(self, response: httpx.Response, deadline: asyncio.Timeout) -> File:
        _check_status(response)
        writing, began_at = Writing(self.files.new_path()), loop_time()
        try:
            async for part in _parts(response):
                await asyncio.to_thread(writing.write, part)
                if writing.size > MOST_BYTES:
                    raise Unfit(f"it has more than {MOST_BYTES:,} bytes; use a smaller one", "media_too_large")
                deadline.reschedule(began_at + ANSWER_WITHIN.total_seconds() + writing.size / SLOWEST)
            await asyncio.to_thread(writing.close)
        except BaseException:
            writing.discard()
            raise
        return self.files.keep(writing.path, writing.size, writing.digest)


async def _parts(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body in large parts."""
    part = bytearray()
    async for chunk in decoded(response):
        part += chunk
        if len(part) >= PART:
            yield bytes(part)
            part.clear()
    yield bytes(part)


def _check_status(response: httpx.Response) -> None:
    if response.is_server_error or response.status_code in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.REQUEST_TIMEOUT):
        raise Unreachable(f"HTTP {response.status_code}")
    if not response.is_success:
        raise Unfit(f"HTTP {response.status_code}", "media_unreachable")


def _next_hop(response: httpx.Response) -> str:
    target = response.url.join(response.headers["location"])
    if target.scheme not in ("http", "https"):
        raise Unfit(f"it redirects to {target.scheme}:, which is not the web", "media_unreachable")
    return str(target)


@contextmanager
def _named_failures() -> Iterator[None]:
    try:
        yield
    except ForbiddenAddress as error:
        reason = f"{error}; set TIMEBALL_ALLOW_PRIVATE_ADDRESSES to allow it"
        raise Unfit(reason, "forbidden_address") from error
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL, UnicodeError) as error:
        raise Unfit(str(error), "invalid_request") from error
    except (TimeoutError, httpx.TimeoutException) as error:
        raise Silent from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise Unreachable(str(error)) from error


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # it will not be requested either
        return ""
