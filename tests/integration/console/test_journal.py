"""The journal and those who follow it: every event once, in one order, and whoever was away misses nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from services.console.app import MIGRATIONS
from services.console.handlers import Projector
from services.console.reactions import reactions_of
from services.console.store import Store
from services.console.streaming.journal import Entry, Journal, entries_of
from services.console.streaming.listening import Closed, TooSlow
from services.console.streaming.stream import MOST_BEHIND, EventStream, Following, Gone
from services.console.tables.core import journal
from shared.clocks.clock import SystemClock
from shared.database.engine import Database
from shared.events import EVENTS, Event
from shared.events.requests import AccountConnectRequested, TimerTriggerRequested
from shared.events.scheduler import ScheduleAccepted
from shared.messaging.envelope import Delivery, read_event
from tests.contracts.test_corpus import CORPUS
from tests.support.migrated import migrated
from tests.support.schedules import NOON
from tests.support.waiting import PATIENCE

TRIGGER = TimerTriggerRequested(timer="monitor.check")
BLOCKED = 0.5
A_MOMENT = 0.005


class Replica:
    """One console's way into the journal."""

    def __init__(self, database: Database) -> None:
        self.database, self.journal, self.stream = database, Journal(database), EventStream(Journal(database))
        clock = SystemClock()
        self.reactions = reactions_of(Projector(Store(database, clock, self.stream.wake), clock))

    async def learn(self, *message_ids: str, event: Event = TRIGGER) -> None:
        for message_id in message_ids:
            await self.reactions[type(event)](Delivery(event, message_id, "c"))


@asynccontextmanager
async def running(database_url: str) -> AsyncIterator[Replica]:
    replica = Replica(Database(database_url))
    following = asyncio.create_task(replica.stream.run())
    try:
        yield replica
    finally:
        following.cancel()
        await asyncio.wait({following})
        await replica.database.close()


@pytest.fixture
async def replica(database_url: str) -> AsyncIterator[Replica]:
    await migrated(database_url, MIGRATIONS)
    async with running(database_url) as one:
        yield one


def anything(_: Entry) -> bool:
    return True


async def heard(following: Following, count: int) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            found += [one.message_id for one in await following.next()]
    return found


async def test_every_event_but_who_did_what_is_there(replica: Replica) -> None:
    for name, event in EVENTS.items():
        smallest = (CORPUS / name / "minimal.json").read_bytes()
        await replica.reactions[event](Delivery(read_event(name, smallest), name, "c"))

    assert {one.type for one in await replica.journal.after(0)} == EVENTS.keys() - {"console.acted"}


async def test_events_of_a_producer_that_gives_no_ids_are_there_each_time(replica: Replica) -> None:
    """The contract lets it leave them out; the same request again is carried out again."""
    for redelivered in (False, False, True, True):
        asked = Delivery(TRIGGER, None, "c", redelivered, derived_id="body-42")
        await replica.reactions[type(TRIGGER)](asked)

    first, second, again = [one.message_id for one in await replica.journal.after(0)]

    assert first.startswith("body-42-")
    assert second.startswith("body-42-")
    assert again == "body-42"


async def test_each_event_has_one_number_and_nothing_sealed(replica: Replica) -> None:
    connect = AccountConnectRequested(account_id="a", platform="sandbox", settings={}, sealed_credentials="SEALED")
    await replica.learn("m-1", "m-2", "m-1")
    await replica.learn("m-3", event=connect)
    await replica.reactions[type(TRIGGER)](Delivery(TRIGGER, None, "told again"))

    entries = await replica.journal.after(0)

    assert [one.message_id for one in entries] == ["m-1", "m-2", "m-3"]
    assert [one.id for one in entries] == sorted({one.id for one in entries})
    assert (entries[0].type, entries[0].told) == ("timer.trigger_requested", {"timer": "monitor.check"})
    assert "SEALED" not in entries[2].data


async def test_whoever_hears_of_an_event_finds_it_told(replica: Replica) -> None:
    event = ScheduleAccepted(post_id="p", account_id="a", revision=1, publish_at=NOON, changed=True)
    async with replica.stream.listening(anything) as following:
        learning = asyncio.create_task(replica.learn("m", event=event))
        assert await heard(following, 1) == ["m"]
        async with replica.database.reading() as connection:
            assert (await connection.exec_driver_sql("SELECT count(*) FROM posts")).scalar_one() == 1
    await learning


async def test_no_lower_number_becomes_visible_after_a_higher_one(replica: Replica) -> None:
    def row(message_id: str) -> list[dict[str, Any]]:
        return entries_of(Delivery(TRIGGER, message_id, "c"), NOON)

    async with replica.database.transaction() as connection:
        await replica.journal.write(connection, row("first"))
        second = asyncio.create_task(replica.learn("second"))
        done, _ = await asyncio.wait({second}, timeout=BLOCKED)
        assert not done, "the second one may be read before the first one"
    await second

    assert [one.message_id for one in await replica.journal.after(0)] == ["first", "second"]


async def test_who_was_away_hears_what_was_missed_and_then_what_comes(replica: Replica) -> None:
    await replica.learn("m-0")
    async with replica.stream.listening(anything) as following:
        await replica.learn("m-1")
        assert await heard(following, 1) == ["m-1"]
        last_id = following.last_id
    await replica.learn(*(f"missed-{number}" for number in range(3)))

    async with replica.stream.listening(anything) as other, replica.stream.listening(anything, last_id) as following:
        await replica.learn("live")
        assert await heard(following, 4) == ["missed-0", "missed-1", "missed-2", "live"]
        assert await heard(other, 1) == ["live"]


async def test_what_another_replica_has_learned_is_heard(replica: Replica, database_url: str) -> None:
    async with running(database_url) as other, replica.stream.listening(anything) as following:
        await other.learn("m-1", "m-2")

        assert await heard(following, 2) == ["m-1", "m-2"]


async def test_only_what_is_of_interest_is_heard(replica: Replica) -> None:
    await replica.learn("m-1", "m-2", "m-3")
    async with replica.stream.listening(lambda entry: entry.message_id != "m-2", 0) as following:
        assert await heard(following, 2) == ["m-1", "m-3"]


class SlowJournal(Journal):
    """Reads for longer than anybody waits for the next event."""

    reads = 0

    async def after(self, entry_id: int, *, up_to: int | None = None) -> list[Entry]:
        self.reads += 1
        await asyncio.sleep(10 * A_MOMENT)
        return await super().after(entry_id, up_to=up_to)


async def test_a_slow_read_of_what_was_missed_is_not_given_up_and_begun_again(replica: Replica) -> None:
    await replica.learn("m-1")
    slow = SlowJournal(replica.database)
    async with EventStream(slow).listening(anything, 0) as following:
        entries = await following.next(A_MOMENT)

    assert [one.message_id for one in entries] == ["m-1"]
    assert slow.reads == 1


async def test_who_has_missed_what_is_not_kept_any_more_is_told_so(replica: Replica) -> None:
    await replica.learn("m-1", "m-2", "m-3")
    first, second, third = [one.id for one in await replica.journal.after(0)]
    async with replica.database.transaction() as connection:
        await connection.execute(delete(journal).where(journal.c.id <= second))

    async with replica.stream.listening(anything, second) as following:
        assert await heard(following, 1) == ["m-3"]
    for unknown in (first, third + 1):
        with pytest.raises(Gone):
            async with replica.stream.listening(anything, unknown):
                pass


async def test_who_is_too_slow_is_let_go_and_can_go_on_from_there(replica: Replica) -> None:
    last = f"m-{MOST_BEHIND + 9}"
    rows = [
        one
        for number in range(MOST_BEHIND + 10)
        for one in entries_of(Delivery(TRIGGER, f"m-{number}", "c"), NOON + timedelta(seconds=number))
    ]
    stream = replica.stream
    async with (
        stream.listening(anything) as following,
        stream.listening(lambda entry: entry.message_id == last) as quick,
    ):
        async with replica.database.transaction() as connection:
            await replica.journal.write(connection, rows)
        assert await heard(quick, 1) == [last]
        with pytest.raises(TooSlow):
            await heard(following, MOST_BEHIND + 10)
        last_id = following.last_id

    async with replica.stream.listening(anything, last_id) as following:
        assert await heard(following, 10) == [f"m-{MOST_BEHIND + number}" for number in range(10)]


async def test_stopping_lets_everyone_go(replica: Replica) -> None:
    async with replica.stream.listening(anything) as following:
        replica.stream.close()
        with pytest.raises(Closed):
            await following.next()
