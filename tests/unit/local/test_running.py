"""Whoever waits for programs learns which of them are not ready."""

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus

import pytest

from deploy.local import running
from deploy.local.programs import Place
from deploy.local.running import NotReady, until_ready
from shared.database.upgrading import UPGRADING
from tests.fakes.http_server import Call, HttpServer, written
from tests.support.waiting import eventually


@dataclass
class Program(HttpServer):
    """A program that says whether it is ready."""

    status: HTTPStatus = HTTPStatus.OK
    database: str = ""
    credentials: str = ""

    async def reply(self, call: Call, writer: asyncio.StreamWriter) -> bool:
        found = {"database": self.database, "credentials": self.credentials}
        problems = {name: problem for name, problem in found.items() if problem}
        writer.write(written(self.status, json.dumps({"problems": problems}).encode(), {}))
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


async def test_a_publisher_whose_keys_are_lost_is_not_waited_for() -> None:
    """To end the programs would be to end the console, by which accounts are connected again."""
    keyless = Program(status=HTTPStatus.SERVICE_UNAVAILABLE, credentials="none of TIMEBALL_SECRET_KEYS fits")
    async with keyless.serving():
        await until_ready([keyless.place("publisher")], 0, print)

        keyless.database = "its disk is full"
        with pytest.raises(NotReady):
            await until_ready([keyless.place("publisher")], 0, print)


async def test_an_upgrade_of_a_database_is_waited_for_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """To give up is to end the programs: the upgrade would begin anew each time, and never be done."""
    monkeypatch.setattr(running, "TELL_SECONDS", 0)
    told: list[str] = []
    busy = Program(status=HTTPStatus.SERVICE_UNAVAILABLE, database=f"{UPGRADING} (28 changes); let it run")
    async with busy.serving():
        waiting = asyncio.create_task(until_ready([busy.place("console")], 0, told.append))
        await eventually(lambda: len(told) > 1 or waiting.done())
        busy.status = HTTPStatus.OK
        await waiting

    assert told[1] == "waiting for console; console: its database: it is being upgraded (28 changes); let it run"
