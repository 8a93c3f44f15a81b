"""Reaching the broker under a name with several addresses, such as those of a cluster's nodes.

Each attempt begins with another one: a node that is silent is not asked for ever, and not everybody uses the first.
"""

import asyncio
import os
import socket
from abc import abstractmethod
from collections.abc import Sequence
from itertools import count
from typing import Any

from aiormq.connection import TCPTransportFactory, TLSTransportFactory, TransportFactory
from aiormq.exceptions import AMQPConnectionError
from yarl import URL

from shared.clocks.awake_timeout import AwakeTimeout

ADDRESS_SECONDS = 3.0
"""How long one of several addresses may take to let somebody in."""
TURNS = count(os.getpid())

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def addresses_of(url: URL) -> Sequence[str]:
    """The addresses that a name has now, none if it cannot be found."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return []
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _InTurn(TransportFactory):
    async def create(self, url: URL, **options: Any) -> Streams:
        addresses = await addresses_of(url)
        if not addresses[1:]:
            return await self.connect(url, **options)
        first = next(TURNS) % len(addresses)
        for address in [*addresses[first:], *addresses[:first]]:
            try:
                async with AwakeTimeout(ADDRESS_SECONDS):
                    return await self.connect(url, address, **options)
            except (OSError, AMQPConnectionError) as error:
                refused = error
        raise refused

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
