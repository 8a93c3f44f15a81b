"""Cutting a connection off: what the other side has not been sent yet never arrives.

To close it is not enough, nor to abort it: the kernel goes on with what it was given, for minutes, as soon as the other
side reads again.
"""

import asyncio
import socket
import struct

_AT_ONCE = struct.pack("ii", 1, 0)
"""On, for no time at all: the socket is reset, and what it holds is dropped."""


def cut_off(transport: asyncio.WriteTransport) -> None:
    """End the connection, and with it what has not left this machine."""
    connected = transport.get_extra_info("socket")
    if connected is not None and not transport.is_closing():
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
