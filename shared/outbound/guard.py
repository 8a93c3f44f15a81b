"""A guard around other people's code that connects to wherever a user's URL says.

Apprise's hundred services open their connections in a hundred ways; Python tells of each before it happens. Where
the guard is up, only public addresses are connected to (however they were written or resolved), no file is read but
Python's own, no program is started, and no more than the beginning of a reply is read. Whoever waits too long can hang
up.
"""

import socket
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from mimetypes import knownfiles
from pathlib import Path
from typing import Any

from requests.models import Response

from shared.outbound.addresses import is_public

MOST_BYTES = 1024 * 1024
"""Of a reply that are read: a target that never ends its own would fill the memory."""
CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
STARTS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork"})
_READABLE: tuple[str, ...] = tuple(
    {
        sys.prefix,
        sys.base_prefix,
        *sysconfig.get_paths().values(),
        "/etc/ssl",
        "/usr/share/zoneinfo",
        *map(str, knownfiles),
    }
)


class Forbidden(PermissionError):
    """Something a notification has no business to do."""


@dataclass
class Watch:
    """What happened under the guard: how often it connected, and what was refused."""

    allow_private_addresses: bool
    connects: int = 0
    refusals: list[str] = field(default_factory=list)
    _connections: list[socket.socket] = field(default_factory=list)

    def connecting(self, connection: socket.socket) -> None:
        """Note a connection. Others may wrap it, so that only a copy of its descriptor stays valid."""
        self.connects += 1
        self._connections.append(connection.dup())

    def hang_up(self) -> None:
        """End every connection, from any thread: who reads from one reads its end."""
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the copies back."""
        for connection in self._connections:
            connection.close()

    def refuse(self, reason: str) -> None:
        """Note it and raise, since many a library swallows what is raised."""
        self.refusals.append(reason)
        raise Forbidden(reason)


_watch: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def guarded(watch: Watch) -> Iterator[None]:
    """Put the guard up for what runs in the block, in this thread."""
    _listen()
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)
        watch.close()


@cache
def _listen() -> None:
    """Once: an audit hook stays for as long as the process lives."""
    sys.addaudithook(_hear)
    Response.iter_content = _bounded(Response.iter_content)  # type: ignore[method-assign]


def _bounded(iter_content: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
    """The beginning of a reply under the guard; otherwise all of it."""

    def iter_bounded(self: Any, *arguments: Any, **named: Any) -> Iterator[bytes]:
        read = 0
        for chunk in iter_content(self, *arguments, **named):
            yield chunk
            read += len(chunk)
            if read >= MOST_BYTES and _watch.get() is not None:
                self.close()
                return

    return iter_bounded


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    watch = _watch.get()
    if watch is None:
        return
    if event in CONNECTS:
        watch.connecting(arguments[0])
        if not watch.allow_private_addresses and not _is_public(arguments[1]):
            watch.refuse("the target's address is not public")
    elif event == "open" and not _is_pythons_own(arguments[0]):
        watch.refuse("the target's URL names a file of this machine")
    elif event in STARTS:
        watch.refuse("the target would start a program")


def _is_public(address: Any) -> bool:
    """Names count as not public: what resolves them later could be told anything."""
    try:
        return is_public(address[0].partition("%")[0])
    except (TypeError, ValueError, AttributeError, IndexError):
        return False


def _is_pythons_own(path: Any) -> bool:
    if not isinstance(path, str | bytes | Path):
        return True  # a descriptor that is open already
    text = path.decode(errors="replace") if isinstance(path, bytes) else str(path)
    return ".." not in text and text.startswith(_READABLE)
