"""The stream of events: what the journal has got, sent to every client; one that was away gets the rest first."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from services.console.streaming.journal import MOST_READ, Entry, Journal
from services.console.streaming.listening import Listener

MOST_BEHIND = 2_000
LOOK_SECONDS = 0.1
"""How often the journal is looked at for what another replica has written."""
AGAIN_SECONDS = 1.0

Interest = Callable[[Entry], bool]

log = structlog.get_logger()


class Gone(Exception):
    """Events after the client's last one are deleted: the client must load everything again."""


class EventStream:
    """Follows the journal while somebody listens."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._listeners: set[Listener[Entry]] = set()
        self._handed_on = 0
        self._woken = asyncio.Event()

    @property
    def is_listened_to(self) -> bool:
        """Whether anybody waits for what the journal gets."""
        return bool(self._listeners)

    def wake(self) -> None:
        """Say that the journal has got entries."""
        self._woken.set()

    async def ensure_readable(self) -> None:
        """Raise what the database says, should it be away."""
        await self._journal.span()

    @asynccontextmanager
    async def listening(self, interest: Interest, after: int | None = None) -> AsyncIterator["Following"]:
        """Listen to what is of interest from now on, or from the entry after this one; Gone where that is not kept."""
        span = await self._journal.span()
        if after is not None and not span.holds_all_after(after):
            raise Gone
        if not self._listeners:
            self._handed_on = span.last
        listener: Listener[Entry] = Listener(interest, MOST_BEHIND)
        self._listeners.add(listener)
        self.wake()
        try:
            yield Following(self._journal, interest, listener, span.last if after is None else after, self._handed_on)
        finally:
            self._listeners.discard(listener)

    async def run(self) -> None:
        """For ever: hand on what the journal gets."""
        while True:
            try:
                await self._wait()
                if self._listeners:
                    await self._hand_on()
            except Exception as error:
                log.warning("journal_not_read", error=repr(error))
                await asyncio.sleep(AGAIN_SECONDS)

    def close(self) -> None:
        """Let everyone go, so that the console can stop."""
        for listener in self._listeners:
            listener.close()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS if self._listeners else None):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    async def _hand_on(self) -> None:
        is_more = True
        while is_more:
            entries = await self._journal.after(self._handed_on)
            for entry in entries:
                self._handed_on = entry.id
                for listener in self._listeners:
                    listener.offer(entry)
            is_more = len(entries) == MOST_READ


@dataclass
class Following:
    """One listener's way through the journal: what it has missed, then what comes."""

    _journal: Journal
    _interest: Interest
    _listener: Listener[Entry]
    last_id: int
    """The number up to which everything has been sent."""
    _handed_on: int

    async def next(self, within: float | None = None) -> list[Entry]:
        """The entries of interest that are there, none if so for this long; TooSlow or Closed when no more will come.

        What was missed is read however long that takes: a read that is given up and begun again may never end.
        """
        is_behind = self.last_id < self._handed_on
        if is_behind and (missed := await self._journal.after(self.last_id, up_to=self._handed_on)):
            self.last_id = missed[-1].id
            return list(filter(self._interest, missed))
        try:
            async with asyncio.timeout(within):
                while not (entries := [one for one in await self._listener.all_next() if one.id > self.last_id]):
                    pass
        except TimeoutError:
            return []
        self.last_id = entries[-1].id
        return entries
