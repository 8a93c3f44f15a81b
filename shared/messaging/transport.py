"""Reaching the broker under a name with several addresses, such as those of a cluster's nodes.

Each attempt begins with another one: a node that is silent is not asked for ever, and not everybody uses the first.
"""

import asyncio
import os
import socket
from abc import abstractmethod
from collections.abc import Coroutine, Iterable, Sequence
from itertools import count
from typing import Any

from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from yarl import URL

NEXT_AFTER = 3.0
"""Seconds after which the next of several addresses is asked as well."""
TURNS = count(os.getpid())

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def addresses_of(url: URL) -> Sequence[str]:
    """The addresses that a name has now, none if it cannot be found."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def first_of(attempts: Iterable[Coroutine[Any, Any, Streams]]) -> Streams:
    """What the first one to succeed answers, beside which others begin where it is slow; raises the last refusal."""
    to_come, running = iter(attempts), set[asyncio.Task[Streams]]()
    refusal: BaseException = ConnectionError("there is no address")
    try:
        while (attempt := next(to_come, None)) or running:
            if attempt:
                running.add(asyncio.create_task(attempt))
            patience = NEXT_AFTER if attempt else None
            done, running = await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            succeeded = [task.result() for task in done if task.exception() is None]
            for _, unused in succeeded[1:]:
                unused.close()
            if succeeded:
                return succeeded[0]
            refusal = next((error for task in done if (error := task.exception())), refusal)
    finally:
        for task in running:
            task.cancel()
    raise refusal


class _InTurn(TransportFactory):
    async def create(self, url: URL, **options: Any) -> Streams:
        addresses = await addresses_of(url)
        if not addresses[1:]:
            return await self.connect(url, **options)
        first = next(TURNS) % len(addresses)
        in_turn = [*addresses[first:], *addresses[:first]]
        return await first_of(self.connect(url, address, **options) for address in in_turn)

    @abstractmethod
    async def connect(self, url: URL, address: str = "", **options: Any) -> Streams:
        """Connect, to this address if there are several."""


class Plain(_InTurn):
    """Without TLS."""

    async def connect(self, url: URL, address: str = "", **options: Any) -> Streams:
        return await TCPTransportFactory().create(url.with_host(address) if address else url, **options)


class Encrypted(_InTurn):
    """With TLS; the certificate is that of the name."""

    async def connect(self, url: URL, address: str = "", **options: Any) -> Streams:
        named = {"server_hostname": url.host, **options} if address else options
        return await TLSTransportFactory().create(url.with_host(address) if address else url, **named)
