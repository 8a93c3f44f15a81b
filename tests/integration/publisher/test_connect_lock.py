"""One by one: who connects an account is waited for as long as it lives, and no longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest

from services.publisher.accounts.connect_lock import HEARTBEAT_EVERY, MOST_LOOKS, NOBODY, ConnectLock
from services.publisher.store import Store
from tests.fakes.clock import FakeClock
from tests.support.away import Away
from tests.support.publications import NOON, SECOND


@dataclass
class Connector:
    """A replica that connects the account when its turn comes, and as long as it is let."""

    lock: ConnectLock
    clock: FakeClock

    def __post_init__(self) -> None:
        self.has_begun, self.may_end = asyncio.Event(), asyncio.Event()

    @classmethod
    def at(cls, store: Store) -> "Connector":
        clock = FakeClock(NOON)
        return cls(ConnectLock(store, clock), clock)

    async def connect(self, account_id: str = "account") -> None:
        async with self.lock.held(account_id):
            self.has_begun.set()
            await self.may_end.wait()

    async def sleeps_over(self, span: timedelta) -> None:
        """Let it do what it does every so often, once."""
        self.clock.advance(span)
        await self.clock.until_awaited(self.clock.now() + span)


@asynccontextmanager
async def connecting(connector: Connector) -> AsyncIterator[asyncio.Task[None]]:
    """While it connects the account, or waits to."""
    task = asyncio.create_task(connector.connect())
    await connector.clock.until_asleep()
    try:
        yield task
    finally:
        connector.may_end.set()
        task.cancel()
        await asyncio.wait({task})


async def test_the_next_one_begins_when_the_last_has_ended(store: Store) -> None:
    one, other = Connector.at(store), Connector.at(store)

    async with connecting(one) as first, connecting(other):
        await other.sleeps_over(SECOND)
        assert not other.has_begun.is_set()
        one.may_end.set()
        await first
        other.clock.advance(SECOND)
        await other.has_begun.wait()


async def test_another_account_is_not_waited_for(store: Store) -> None:
    one, other = Connector.at(store), Connector.at(store)

    async with connecting(one):
        other.may_end.set()
        await other.connect("another")

    assert other.has_begun.is_set()


async def test_who_lives_is_waited_for_however_long_it_takes(store: Store) -> None:
    one, other = Connector.at(store), Connector.at(store)

    async with connecting(one), connecting(other):
        for _ in range(3):
            for _ in range(MOST_LOOKS - 2):
                await other.sleeps_over(SECOND)
            await one.sleeps_over(HEARTBEAT_EVERY)

        assert not other.has_begun.is_set()


async def test_who_has_died_is_waited_for_a_while(store: Store) -> None:
    one, other = Connector.at(store), Connector.at(store)

    async with connecting(one), connecting(other):
        for _ in range(MOST_LOOKS):
            await other.sleeps_over(SECOND)
        assert not other.has_begun.is_set()
        other.clock.advance(SECOND)
        await other.has_begun.wait()


async def test_who_could_not_reach_the_database_for_a_while_shows_its_signs_again(store: Store) -> None:
    failing = Away(store)
    one, other = Connector.at(store), Connector.at(store)
    one.lock = ConnectLock(failing, one.clock)  # type: ignore[arg-type]

    async with connecting(one), connecting(other):
        failing.is_away = True
        for _ in range(3):
            await one.sleeps_over(HEARTBEAT_EVERY)
        failing.is_away = False
        for _ in range(MOST_LOOKS - 1):
            await other.sleeps_over(SECOND)
        await one.sleeps_over(HEARTBEAT_EVERY)
        for _ in range(MOST_LOOKS - 1):
            await other.sleeps_over(SECOND)

        assert not other.has_begun.is_set()


async def test_who_was_passed_over_does_not_end_the_next_ones_turn(store: Store) -> None:
    one, other, third = (Connector.at(store) for _ in range(3))

    async with connecting(one) as first, connecting(other):
        while not other.has_begun.is_set():
            other.clock.advance(SECOND)
            await asyncio.sleep(0.01)
        one.may_end.set()
        await first
        async with connecting(third):
            await third.sleeps_over(SECOND)
            assert not third.has_begun.is_set()


@pytest.mark.parametrize("is_away", [False, True])
async def test_a_database_that_goes_away_at_the_end_undoes_nothing(store: Store, is_away: bool) -> None:
    failing = Away(store)
    lock = ConnectLock(failing, FakeClock(NOON))  # type: ignore[arg-type]

    async with lock.held("account"):
        failing.is_away = is_away

    (left,) = (await store.reservations([name async for name in _names(store)])).values()
    assert (left == NOBODY) is not is_away


async def _names(store: Store) -> AsyncIterator[str]:
    async with store.unit() as unit:
        for row in await unit.connection.exec_driver_sql("SELECT bucket FROM reservations"):
            yield row.bucket
