"""Maintenance as a process among others, at a real broker."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aio_pika

from shared.events.maintenance import AlertRaised, ServiceReported
from shared.events.scheduler import TimerFired
from tests.fakes.sink import refuse
from tests.integration.maintenance.conftest import Replica
from tests.nodes import Broker
from tests.support.system import a_request, started, system
from tests.support.waiting import eventually


@dataclass
class Told:
    """A server that takes what Apprise posts, and refuses the first so many."""

    refuses: int = 0
    url: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0

    @property
    def titles(self) -> list[str]:
        return sorted(message["title"] for message in self.messages)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Told"]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"json://user:hush-hush@127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with server:
            yield self

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line.split(":")[1] for line in head.splitlines() if line.startswith("content-length"))
        body = json.loads(await reader.readexactly(int(length)))
        is_refused = self.refused < self.refuses
        if is_refused:
            self.refused += 1
        else:
            self.messages.append(body)
        status = "503 Busy" if is_refused else "200 OK"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


def tick(timer: str) -> TimerFired:
    now = datetime.now(UTC)
    return TimerFired(timer=timer, tick_at=now, fired_at=now, manual=True, missed=0)


async def test_maintenance_works_with_the_others(tmp_path: Path, broker_node: Broker) -> None:
    """Everybody deletes when asked, dead letters are noticed, and each target gets it once, one after a refusal."""
    async with Told(refuses=1).serving() as flaky, Told().serving() as good, system(tmp_path, broker_node) as running:
        env = {"TIMEBALL_NOTIFY_URLS": f"{flaky.url}, {good.url}"}
        maintenance = await running.start("maintenance", env=env)
        await started(running, "scheduler", "publisher", "console")
        bus = running.bus

        await bus.emit(tick("retention.purge"))
        for service in ("maintenance", "scheduler", "publisher", "console"):
            await bus.fact("retention.purged", service=service, rows=0)
        await bus.fact("job.succeeded", job="retention.purge")

        await bus.emit(tick("analytics.aggregate"))
        await bus.fact("analytics.aggregated")
        await bus.emit(tick("token.refresh_check"))
        await bus.fact("job.succeeded", job="token.refresh_check")

        await bus.emit_raw(b"no json", "schedule.cancelled", type="schedule.cancelled")
        alert = await bus.fact(AlertRaised.type, code="dead_letters", subject="publisher")
        titles = [f"Timeball warning: dead_letters ({service})" for service in ("console", "publisher")]
        await eventually(lambda: good.titles == flaky.titles and set(titles) <= set(good.titles))

        assert sorted(set(good.titles)) == good.titles
        assert "publisher.dead holds 1 message" in alert.body["message"]
        assert flaky.refused == 1
        assert "hush-hush" not in maintenance.log.read_text()
        assert await maintenance.stop() == 0


async def test_bytes_that_are_no_event_do_not_stop_it(tmp_path: Path, broker_node: Broker) -> None:
    async with system(tmp_path, broker_node) as running:
        maintenance = await running.start("maintenance")

        await running.bus.publish(aio_pika.Message(b'{"timer": 7}', type="timer.fired"), "timer.fired")
        await running.bus.emit(tick("token.refresh_check"))

        await running.bus.fact("job.succeeded", job="token.refresh_check")
        (dead,) = await running.bus.resting_in("maintenance.dead")
        assert "timer: Input should be a valid string" in str(dead.headers["reason"])
        assert await maintenance.is_ready()


async def test_a_process_that_dies_soon_after_its_start_again_and_again_is_told(
    tmp_path: Path, broker_node: Broker, replica: Replica
) -> None:
    """Each time it consumes, reports and dies; maintenance's clock runs faster than the test's."""
    told: list[AlertRaised] = []
    async with system(tmp_path, broker_node) as running:
        for count in range(1, 9):
            dying = await running.start("monitor", ready=False)
            report = await running.bus.fact(ServiceReported.type, service="monitor", count=count)
            await dying.kill()
            await replica.report(**report.body)
            told += await replica.look(timedelta(minutes=1))

    assert [(alert.code, alert.subject) for alert in told] == [("service_restarts", "monitor")]


async def test_a_network_that_refuses_the_last_posts_of_an_account_is_told(tmp_path: Path, broker_node: Broker) -> None:
    async with system(tmp_path, broker_node) as running:
        await started(running, "maintenance", "publisher")
        await running.connect("plain")

        for post_id in ("p-1", "p-2", "p-3"):
            running.sink.will_answer(post_id, refuse(422, b"the app may not post"))
            await running.bus.emit(a_request(post_id))

        alert = await running.bus.fact(AlertRaised.type, code="posts_failing", subject="sandbox")
        assert alert.body["message"].startswith("3 posts failed on sandbox since ")
        assert "the app may not post. See `timeball status p-1`" in alert.body["message"]
        assert len(running.bus.heard("publish.failed")) == 3
