"""Acknowledging: what is settled within a few milliseconds is acknowledged together.

A frame each costs broker and service as much as delivering the message did. RabbitMQ takes one frame for all messages
of a channel up to a delivery tag. It may be used as far as no message in between is still at work.
"""

import asyncio
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import structlog
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import ChannelInvalidStateError
from aiormq.abc import AbstractChannel

from shared.connections.cancellations import StrayCancellations

LINGER_SECONDS = 0.005

log = structlog.get_logger()


@dataclass
class Tags:
    """The delivery tags of one channel, which count from 1. `done_to` is the last before the first still at work."""

    done_to: int = 0
    _fresh: list[int] = field(default_factory=list)
    _done: set[int] = field(default_factory=set)

    def add(self, tag: int) -> None:
        """A message is done with."""
        self._fresh.append(tag)
        self._done.add(tag)

    def take(self) -> list[tuple[int, bool]]:
        """The acknowledgements for what has been added since the last time: a tag, and whether for all up to it.

        A tag that stands for all up to it must not have been acknowledged before: RabbitMQ would not know it.
        """
        while self.done_to + 1 in self._done:
            self.done_to += 1
            self._done.remove(self.done_to)
        together = [tag for tag in self._fresh if tag <= self.done_to]
        single = [(tag, False) for tag in self._fresh if tag > self.done_to]
        self._fresh = []
        return ([(max(together), len(together) > 1)] if together else []) + single


class Acknowledgements:
    """Acknowledges for all queues of a process."""

    def __init__(self) -> None:
        self._tags: WeakKeyDictionary[AbstractChannel, Tags] = WeakKeyDictionary()
        self._fresh: set[AbstractChannel] = set()
        self._written: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    async def acknowledge(self, message: AbstractIncomingMessage) -> None:
        """Return when the acknowledgement has been written, or its channel is gone: then the message comes again."""
        try:
            channel, tag = message.channel, message.delivery_tag
        except ChannelInvalidStateError:
            log.info("acknowledgement_lost")
            return
        assert tag is not None
        self._tags.setdefault(channel, Tags()).add(tag)
        self._fresh.add(channel)
        if self._written is None:
            self._written = asyncio.create_task(self._write())
        await asyncio.shield(self._written)

    async def _write(self) -> None:
        """One at a time: a later frame for all messages up to a tag would overtake a tag that waits to be written."""
        await asyncio.sleep(LINGER_SECONDS)
        async with self._writing:
            self._written = None
            channels, self._fresh = self._fresh, set()
            for channel in channels:
                try:
                    with StrayCancellations():
                        await self._write_to(channel)
                except Exception as error:
                    log.info("acknowledgement_lost", error=repr(error))

    async def _write_to(self, channel: AbstractChannel) -> None:
        """Return when it is written; raise where the channel ends before."""
        frames = self._tags[channel].take()
        for number, (tag, up_to_it) in enumerate(frames, 1):
            await channel.basic_ack(tag, multiple=up_to_it, wait=number == len(frames))
