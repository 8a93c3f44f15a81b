"""Looking names up: each in a thread of its own, so that a name server that does not answer holds up no other names.

uvloop has four threads for all lookups of a process, and one that is not answered takes its thread for half a minute.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any

from aiohttp.resolver import ThreadedResolver

MOST_AT_ONCE = 100
"""aiohttp looks each name up once at a time, and remembers it for some seconds."""


class Lookups(ThreadedResolver):
    """aiohttp's resolver, but for the threads."""

    def __init__(self) -> None:
        super().__init__()
        self._loop: Any = _Threads()


class _Threads:
    """What aiohttp asks of a loop to look a name up."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(MOST_AT_ONCE)

    async def getaddrinfo(self, host: str, port: int, **options: Any) -> Any:
        return await self._in_thread(partial(socket.getaddrinfo, host, port, **options))

    async def getnameinfo(self, address: Any, flags: int) -> Any:
        return await self._in_thread(partial(socket.getnameinfo, address, flags))

    async def _in_thread(self, look_up: Callable[[], Any]) -> Any:
        async with self._free:
            answer = asyncio.get_running_loop().create_future()
            try:
                Thread(target=_tell, args=(look_up, answer), daemon=True).start()
            except RuntimeError as error:
                raise OSError("there is no thread left to look the name up") from error
            return await answer


def _tell(look_up: Callable[[], Any], answer: "asyncio.Future[Any]") -> None:
    try:
        tell = partial(answer.set_result, look_up())
    except Exception as error:
        tell = partial(answer.set_exception, error)
    with suppress(RuntimeError):  # the loop has ended meanwhile
        answer.get_loop().call_soon_threadsafe(_unless_done, answer, tell)


def _unless_done(answer: "asyncio.Future[Any]", tell: Callable[[], None]) -> None:
    if not answer.done():
        tell()
