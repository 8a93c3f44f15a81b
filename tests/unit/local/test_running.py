"""Whoever waits for programs learns which of them are not ready."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

import pytest

from deploy.local.programs import Place
from deploy.local.running import NotReady, until_ready
from tests.fakes.http_server import Call, HttpServer, written


@dataclass
class Program(HttpServer):
    """A program that says whether it is ready."""

    status: HTTPStatus = HTTPStatus.OK

    async def reply(self, call: Call, writer: asyncio.StreamWriter) -> bool:
        writer.write(written(self.status, b"{}", {}))
        return True

    def place(self, name: str) -> Place:
        port = int(self.url.rpartition(":")[2])
        return Place(name, port, port)


async def test_a_program_that_does_not_become_ready_is_named_and_no_other() -> None:
    told: list[str] = []
    async with Program().serving() as ready, Program(status=HTTPStatus.SERVICE_UNAVAILABLE).serving() as broken:
        with pytest.raises(NotReady, match=r"^not ready after 0 s: console; what they say is above.*--patience"):
            await until_ready([ready.place("monitor"), broken.place("console")], 0, told.append)

    assert told == ["starting monitor, console"]
