"""Each service does its whole work as a broker's user of its own, who may not touch what belongs to another."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import aiormq
import httpx
import pytest
from yarl import URL

from deploy.docker.broker_users import SERVICES, give_users
from shared.events.requests import ScheduleRequested, Target
from tests.nodes import Broker, manage
from tests.support.system import System, in_seconds, system

PASSWORDS = {service: f"{service}-password" for service in SERVICES}

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
async def running(tmp_path: Path, broker_node: Broker) -> AsyncIterator[System]:
    async with system(tmp_path, broker_node) as running:
        vhost = urlsplit(running.env["TIMEBALL_BROKER_URL"]).path[1:]
        with httpx.Client(
            base_url=broker_node.management_url, auth=(broker_node.username, broker_node.password)
        ) as one:
            for _ in range(2):  # as at every `up`
                await asyncio.to_thread(give_users, one, PASSWORDS, vhost)
        yield running
        for service in SERVICES:
            await asyncio.to_thread(manage, broker_node, "DELETE", f"/api/users/{service}")


def url_of(running: System, service: str) -> URL:
    return URL(running.env["TIMEBALL_BROKER_URL"]).with_user(service).with_password(PASSWORDS[service])


async def test_every_service_works_as_a_user_of_its_own(running: System) -> None:
    for service in SERVICES:
        await running.start(service, env={"TIMEBALL_BROKER_URL": str(url_of(running, service))})

    await running.connect("plain")
    await running.bus.emit(
        ScheduleRequested(
            post_id="post-1", content="text", publish_at=in_seconds(4), targets=(Target(account_id="plain"),)
        )
    )
    outcome = await running.bus.outcome("post-1")

    assert outcome.type == "publish.succeeded"
    assert running.sink.appearances() == {"post-1": 1}


async def test_a_service_s_user_may_not_touch_what_is_another_s(running: System) -> None:
    await running.start("publisher", env={"TIMEBALL_BROKER_URL": str(url_of(running, "publisher"))})

    async with await aio_pika.connect(str(url_of(running, "monitor"))) as connection:
        for forbidden in ("consume", "purge", "delete"):
            channel = await connection.channel()
            queue = await channel.get_queue("publisher.requests", ensure=False)
            with pytest.raises(aiormq.exceptions.ChannelAccessRefused):
                await (queue.consume(_ignored) if forbidden == "consume" else getattr(queue, forbidden)())
        channel = await connection.channel()
        with pytest.raises(aiormq.exceptions.ChannelAccessRefused):
            await channel.declare_queue("scheduler.requests", durable=True)


async def _ignored(_: Any) -> None:
    """What must never come."""
