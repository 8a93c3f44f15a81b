"""A name that is not answered holds up no other name, and an error is what it was."""

import asyncio
import socket
from collections.abc import Iterator
from threading import Event
from typing import Any

import httpx
import pytest

from shared.outbound.client import outbound_client
from tests.support.http_peer import OK, answering, listening
from tests.support.waiting import LATE, eventually

MANY = 50
"""More than a loop has threads for all."""


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The name server does not answer for `.silent.example`; the names it was asked for."""
    asked, is_over, really = list[str](), Event(), socket.getaddrinfo

    def getaddrinfo(host: str, *given: Any, **more: Any) -> Any:
        if host.endswith(".silent.example"):
            asked.append(host)
            is_over.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return really(host, *given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield asked
    is_over.set()


async def test_names_that_are_not_answered_hold_up_no_other(silence: list[str]) -> None:
    async with (
        listening(answering(OK)) as peer,
        outbound_client(allow_private_addresses=True, timeout=LATE.total_seconds()) as client,
    ):
        hanging = [asyncio.create_task(client.post(f"http://{n}.silent.example/")) for n in range(MANY)]
        await eventually(lambda: silence)

        response = await client.post(peer.url("localhost"))

        for one in hanging:
            one.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
    assert response.status_code == 200


async def test_a_name_that_there_is_not_is_known_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    async with outbound_client(allow_private_addresses=True) as client:
        with pytest.raises(httpx.ConnectError, match="Name or service not known"):
            await client.post("http://nowhere.example/")
