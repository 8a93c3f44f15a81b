"""A real service that ends its own life with SIGKILL the first time a given post passes a given point.

Run as `python -m tests.acceptance.crashing SERVICE`, the point in CRASH_AT and the post in CRASH_POST. The service is
put together by its own `app.build`; only the seams to the outside are watched: transactions, publishes, requests, acks.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

import services.publisher.app as publisher
import services.scheduler.app as scheduler
from services.publisher.platforms.ready import ReadyRequest
from services.publisher.platforms.webhook.platform import SignedRequest
from services.publisher.settings import Settings as PublisherSettings
from services.scheduler.settings import Settings as SchedulerSettings
from shared.database.engine import Database
from shared.messaging.acknowledging import Acknowledgements
from shared.messaging.broker import Outgoing, Publisher
from shared.messaging.topology import EVENTS_EXCHANGE
from shared.process.main import main

# What is true inside a transaction just before the commit that a point is named after, and in none before.
COMMITS = {
    "claim commit": "SELECT 1 FROM publications WHERE post_id = :post AND state = 'claimed'",
    "mark commit": "SELECT 1 FROM publications WHERE post_id = :post AND state = 'sending'",
    "outcome commit": "SELECT 1 FROM publications WHERE post_id = :post AND state = 'published'",
    "outcome delete": "SELECT 1 FROM publications WHERE post_id = :post AND state = 'published' "
    "AND NOT EXISTS (SELECT 1 FROM outbox WHERE body LIKE '%' || :post || '%')",
    "acceptance commit": "SELECT 1 FROM schedules WHERE post_id = :post",
    "acceptance delete": "SELECT 1 FROM schedules WHERE post_id = :post "
    "AND NOT EXISTS (SELECT 1 FROM outbox WHERE body LIKE '%' || :post || '%')",
    "dispatch claim": "SELECT 1 FROM schedules WHERE post_id = :post AND claimed_until IS NOT NULL",
    "dispatch mark": "SELECT 1 FROM schedules WHERE post_id = :post AND state = 'dispatched'",
}
PUBLISHES = {
    "outcome publish": "publish.succeeded",
    "acceptance publish": "schedule.accepted",
    "dispatch publish": "publish.requested",
}
ACKS = {"publish ack": "publish.requested", "request ack": "schedule.requested"}
KILLED_BY_THE_TEST = "HTTP call: during"
"""Only the network knows when the request has arrived, so the test ends this process itself."""


@dataclass(frozen=True)
class Crash:
    """Where to die: before, during or after something, when it concerns the post."""

    at: str
    when: str
    post_id: str

    @classmethod
    def asked_for(cls) -> "Crash":
        """The crash named in the environment, `mark commit: before`."""
        at, when = os.environ["CRASH_AT"].split(": ")
        return cls(at, when, os.environ["CRASH_POST"])

    async def around(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do the work and die before, during or after it."""
        if self.when == "before":
            die()
        if self.when == "during":
            under_way = asyncio.ensure_future(work())
            await asyncio.wait([under_way], timeout=0)
            die()
        await work()
        die()

    def concerns(self, body: bytes) -> bool:
        """Whether the message or request carries the post."""
        return f'"{self.post_id}"'.encode() in body


def die() -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def watch_commits(crash: Crash) -> None:
    """Die before or after the commit of the transaction that makes the point's condition true."""
    transaction = Database.transaction
    condition = text(COMMITS[crash.at])

    @asynccontextmanager
    async def watched(database: Database) -> AsyncIterator[AsyncConnection]:
        async with transaction(database) as connection:
            yield connection
            reached = (await connection.execute(condition, {"post": crash.post_id})).first() is not None
            if reached and crash.when == "before":
                die()
        if reached:
            die()

    replace(Database, "transaction", watched)


def watch_publishes(crash: Crash) -> None:
    """Die before the publish, between it and its confirm, or after the confirm."""
    publish_all = Publisher.publish_all

    @wraps(publish_all)
    async def watched(self: Publisher, outgoing: Iterable[Outgoing], **more: Any) -> Any:
        listed = list(outgoing)
        if any(_is_the_one(one) for one in listed):
            await crash.around(lambda: publish_all(self, listed, **more))
        return await publish_all(self, listed, **more)

    def _is_the_one(one: Outgoing) -> bool:
        return one.envelope.type == PUBLISHES[crash.at] and crash.concerns(one.envelope.body)

    replace(Publisher, "publish_all", watched)


def watch_requests(crash: Crash) -> None:
    """Die before the request to the platform, or when its reply is there."""
    for kind in (ReadyRequest, SignedRequest):
        replace(kind, "send", _watched(kind.send, crash))


def _watched(send: Callable[..., Awaitable[Any]], crash: Crash) -> Callable[..., Awaitable[Any]]:
    @wraps(send)
    async def watched(self: ReadyRequest | SignedRequest, now: Any) -> Any:
        if crash.concerns(self.request.content):
            await crash.around(lambda: send(self, now))
        return await send(self, now)

    return watched


def watch_acks(crash: Crash) -> None:
    """Die before or after a message about the post is acknowledged."""
    acknowledge = Acknowledgements.acknowledge

    @wraps(acknowledge)
    async def watched(self: Acknowledgements, message: AbstractIncomingMessage) -> None:
        if message.type == ACKS[crash.at] and crash.concerns(message.body):
            await crash.around(lambda: told(self, message))
        await acknowledge(self, message)

    async def told(self: Acknowledgements, message: AbstractIncomingMessage) -> None:
        """Return when the broker has the acknowledgement: it answers what comes after it on the same channel."""
        channel = message.channel
        await acknowledge(self, message)
        await channel.exchange_declare(EVENTS_EXCHANGE, passive=True)

    replace(Acknowledgements, "acknowledge", watched)


def replace(owner: type, name: str, method: Callable[..., Any]) -> None:
    """In this process, whose only purpose is to die, the class has this method."""
    setattr(owner, name, method)


def watch(crash: Crash) -> None:
    """Watch the seam that the point belongs to."""
    if f"{crash.at}: {crash.when}" == KILLED_BY_THE_TEST:
        return
    if crash.at in COMMITS:
        watch_commits(crash)
    elif crash.at in PUBLISHES:
        watch_publishes(crash)
    elif crash.at in ACKS:
        watch_acks(crash)
    else:
        assert crash.at == "HTTP call", crash
        watch_requests(crash)


if __name__ == "__main__":
    watch(Crash.asked_for())
    if sys.argv[1] == publisher.NAME:
        main(publisher.NAME, PublisherSettings, publisher.build, publisher.MIGRATIONS)
    else:
        main(scheduler.NAME, SchedulerSettings, scheduler.build, scheduler.MIGRATIONS)
