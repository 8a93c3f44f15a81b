"""A service that is asked to stop finishes what it has begun, whoever else is away."""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.child import free_ports
from shared.clocks.clock import SystemClock
from shared.database.engine import Database
from shared.database.migrations import Tell
from shared.messaging.broker import Publisher
from shared.messaging.topology import Topology
from shared.process.ending import CLOSE_SECONDS
from shared.process.service import Service, rabbit_broker
from tests.support.stray import wait_for_what_is_given_up
from tests.support.waiting import eventually

NGINX_KEEPS_IDLE = 60
"""Seconds: `keepalive_timeout` of https://nginx.org/en/docs/http/ngx_http_upstream_module.html"""
NOBODY = "amqp://guest:guest@127.0.0.1:1/"


async def test_work_at_hand_has_the_grace_that_is_left_when_there_is_no_broker_to_stop(tmp_path: Path) -> None:
    finished: list[str] = []

    async def finish() -> None:
        await asyncio.sleep(CLOSE_SECONDS * 1.3)
        finished.append("the work")

    async def close() -> None:
        finished.append("its connections")

    await _service(tmp_path, finishing=finish, closing=(close,))._stop([])

    assert finished == ["the work", "its connections"]


async def test_a_step_whose_library_gives_up_what_it_waits_for_does_not_end_the_ending(tmp_path: Path) -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append("the rest")

    await _service(tmp_path, closing=(wait_for_what_is_given_up, close))._stop([])

    assert closed == ["the rest"]


async def test_a_port_that_is_taken_ends_the_program_naming_the_variable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = _service(tmp_path, http=("127.0.0.1", port))._http_server()
        assert server is not None

        with pytest.raises(SystemExit) as ended:
            await server.serve_or_say_why()

    assert ended.value.code == 2
    assert f"_HTTP_PORT: 127.0.0.1:{port} cannot be listened on; name a port" in capsys.readouterr().err


async def test_idle_connections_are_kept_for_longer_than_a_proxy_keeps_them(tmp_path: Path) -> None:
    server = _service(tmp_path, http=("127.0.0.1", 0))._http_server()

    assert server is not None
    assert server.config.timeout_keep_alive > NGINX_KEEPS_IDLE


async def test_a_step_of_the_ending_can_itself_be_cancelled(tmp_path: Path) -> None:
    entered = asyncio.Event()

    async def hang() -> None:
        entered.set()
        await asyncio.Event().wait()

    ending = asyncio.create_task(_service(tmp_path, finishing=hang)._stop([]))
    await entered.wait()
    ending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await ending


async def test_while_it_prepares_it_says_that_it_is_alive_and_what_it_waits_for(tmp_path: Path) -> None:
    """Whoever restarts what does not answer would otherwise never let a long upgrade of a database come to its end."""
    (port,) = free_ports(1)
    prepared = asyncio.Event()

    async def prepare(tell: Tell) -> None:
        tell("it is being upgraded")
        await prepared.wait()

    service = _service(tmp_path, http=("127.0.0.1", port), prepare=prepare)
    running = asyncio.create_task(service.run())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        await eventually(lambda: _answers(port))
        alive, ready, other = await http.get("/healthz"), await http.get("/readyz"), await http.post("/v1/posts")
        prepared.set()
        await eventually(lambda: service.preparation.waits_for is None)
        later = await http.post("/v1/posts")
    service.stopping.set()
    await running

    assert alive.status_code == 200
    assert (ready.status_code, ready.json()["problems"]) == (503, {"database": "it is being upgraded"})
    assert (other.status_code, other.json()["code"], later.status_code) == (503, "database_unavailable", 404)
    assert int(other.headers["Retry-After"]) > 0


async def test_a_loop_that_ends_because_others_gave_up_what_it_waited_for_stops_the_service(tmp_path: Path) -> None:
    """It would never turn again, and nobody would be told."""
    service, failures = _service(tmp_path), list[Exception]()

    await service._guarded(wait_for_what_is_given_up, failures)

    assert service.stopping.is_set()
    assert [type(one) for one in failures] == [ConnectionError]


async def test_what_cannot_be_prepared_ends_it_with_the_reason(tmp_path: Path) -> None:
    async def prepare(_: Tell) -> None:
        raise ValueError("no such column")

    with pytest.raises(ValueError, match="no such column"):
        await _service(tmp_path, prepare=prepare).run()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def _service(folder: Path, **steps: Any) -> Service:
    return Service(
        name="test",
        database=Database(f"sqlite+aiosqlite:///{folder}/x.db"),
        publisher=Publisher(NOBODY, app_id="test", clock=SystemClock()),
        broker=rabbit_broker(NOBODY, "test"),
        topology=Topology("test"),
        **steps,
    )
