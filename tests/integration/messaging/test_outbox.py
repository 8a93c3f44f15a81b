"""The outbox at its database: what is committed is relayed, by whoever is left to do it, and by one at a time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Interval, MetaData, literal, select, text, update

from shared.database.engine import Database
from shared.events.requests import ScheduleCancelRequested
from shared.messaging.envelope import Envelope
from shared.messaging.outbox import MOST_IN_MEMORY, RETRY, Outbox
from shared.messaging.outbox_rows import BATCH, CLAIM, outbox_table
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import RecordingPublisher
from tests.support.statements import counted_statements
from tests.support.waiting import eventually

metadata = MetaData()
table = outbox_table(metadata)
NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def events(count: int, prefix: str = "post") -> list[Envelope]:
    return [Envelope.of(ScheduleCancelRequested(post_id=f"{prefix}-{number}")) for number in range(count)]


@dataclass
class Relay:
    """One process's outbox, over a publisher that can be away."""

    database: Database
    clock: FakeClock
    publisher: RecordingPublisher
    outbox: Outbox

    @classmethod
    def on(cls, database: Database, clock: FakeClock, *, costs: timedelta = timedelta(0)) -> "Relay":
        publisher = RecordingPublisher(clock, costs=costs)
        return cls(database, clock, publisher, Outbox(table, database, publisher, clock))

    async def write(self, *envelopes: Envelope) -> None:
        """Commit the envelopes and hand them over to nobody, as a process does that dies then."""
        async with self.database.transaction() as connection:
            await self.outbox.add(connection, envelopes)

    async def passes(self, time: timedelta) -> None:
        """So much time passes, by the clock that claims are compared with."""
        self.clock.advance(time)
        if self.database.dialect == "postgresql":
            async with self.database.transaction() as connection:
                await connection.execute(
                    update(table).values(claimed_until=table.c.claimed_until - literal(time, Interval))
                )

    async def left(self) -> set[str]:
        """The ids still in the table."""
        async with self.database.reading() as connection:
            return set((await connection.execute(select(table.c.message_id))).scalars())

    async def is_empty(self) -> bool:
        """Nothing is left in the table."""
        return not await self.left()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.outbox.run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def looks(self) -> None:
        """Return once the running relay has looked into the table from now on: it has found what nobody handed over."""
        marker = events(1, "marker")
        await self.write(*marker)
        is_marker = table.c.message_id == marker[0].message_id
        async with self.database.transaction() as connection:
            await connection.execute(update(table).where(is_marker).values(claimed_until=LONG_AGO))
        await eventually(partial(self._has_sent, marker[0]))

    def _has_sent(self, envelope: Envelope) -> bool:
        return envelope.message_id in self.publisher.message_ids


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    async with database.transaction() as connection:
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


def ids(envelopes: Sequence[Envelope]) -> list[str]:
    return [envelope.message_id for envelope in envelopes]


async def test_what_is_committed_is_relayed_in_order_and_forgotten(database: Database, clock: FakeClock) -> None:
    relay, written = Relay.on(database, clock), events(1200)

    async with relay.running():
        await relay.write(*written)
        relay.outbox.relay_soon(written)
        await eventually(relay.is_empty)

    assert relay.publisher.message_ids == ids(written)


async def test_what_is_rolled_back_is_never_sent(database: Database, clock: FakeClock) -> None:
    relay = Relay.on(database, clock)

    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await relay.outbox.add(connection, events(1))
            raise RuntimeError("changed my mind")
    await relay.passes(CLAIM)
    async with relay.running():
        await relay.looks()

    assert len(relay.publisher.published) == 1


async def test_what_a_dead_process_left_is_relayed_by_another_once_its_claim_has_run_out(
    database: Database, clock: FakeClock
) -> None:
    dead, other, left = Relay.on(database, clock), Relay.on(database, clock), events(3)
    await dead.write(*left)

    async with other.running():
        await other.looks()
        assert set(ids(left)) <= await other.left()
        assert not set(ids(left)) & set(other.publisher.message_ids)

        await other.passes(CLAIM)
        await eventually(other.is_empty)

    assert sorted(other.publisher.message_ids[1:]) == sorted(ids(left))


async def test_an_event_survives_the_table_whole(database: Database, clock: FakeClock) -> None:
    dead, other = Relay.on(database, clock), Relay.on(database, clock)
    (plain,) = events(1, "Grüße 👋 '\"\\ ")
    addressed = plain.to("timeball.retry", routing_key="a.b", headers={"tier": "a.retry.5s", "failures": 2})
    envelope = replace(addressed, correlation_id="c-1")
    await dead.write(envelope)

    await other.passes(CLAIM)
    async with other.running():
        await eventually(other.is_empty)

    (sent,) = other.publisher.published
    assert sent.envelope == envelope
    assert (sent.mandatory, sent.expiration_ms) == (True, None)


async def test_a_fact_may_go_unheard_but_nothing_else(database: Database, clock: FakeClock) -> None:
    relay = Relay.on(database, clock)
    fact, addressed = events(2)
    addressed = addressed.to("timeball.dead", routing_key="scheduler.dead")

    relay.outbox.relay_soon([fact, addressed])
    await relay.outbox.drain()

    assert [one.mandatory for one in relay.publisher.published] == [False, True]


async def test_what_the_broker_did_not_take_is_sent_when_it_is_back_under_the_same_id(
    database: Database, clock: FakeClock
) -> None:
    relay, written = Relay.on(database, clock), events(3)
    relay.publisher.is_away = True

    async with relay.running():
        await relay.write(*written)
        relay.outbox.relay_soon(written)
        await relay.outbox.drain()
        assert await relay.left() == set(ids(written))

        relay.publisher.is_away = False
        await relay.passes(RETRY)
        await eventually(relay.is_empty)

    assert sorted(relay.publisher.message_ids) == sorted(ids(written))


async def test_a_replica_without_a_connection_leaves_what_is_left_behind_to_others(
    database: Database, clock: FakeClock
) -> None:
    cut_off, other, left = Relay.on(database, clock), Relay.on(database, clock), events(3)
    await cut_off.write(*left)
    await cut_off.passes(CLAIM)
    cut_off.publisher.is_away = True

    async with cut_off.running():
        for before_and_after_it_polls in events(2):
            cut_off.publisher.asked.clear()
            cut_off.outbox.relay_soon([before_and_after_it_polls])
            await cut_off.publisher.asked.wait()
        async with other.running():
            await eventually(other.is_empty)

    assert sorted(other.publisher.message_ids) == sorted(ids(left))


async def test_a_wall_clock_that_is_set_back_ends_neither_the_polling_nor_a_claim(
    database: Database, clock: FakeClock
) -> None:
    dead, relay, left = Relay.on(database, clock), Relay.on(database, clock), events(3)
    await dead.write(*left)

    async with relay.running():
        await relay.looks()
        clock.advance(-timedelta(hours=1))
        await relay.passes(CLAIM)
        sent = events(1, "after")
        await relay.write(*sent)
        relay.outbox.relay_soon(sent)
        await eventually(lambda: set(ids(left + sent)) <= set(relay.publisher.message_ids))


@pytest.mark.parametrize("wrong_by", [timedelta(hours=-1), timedelta(hours=1)])
async def test_replicas_whose_clocks_disagree_leave_one_another_s_events_alone(
    postgres_url: str, clock: FakeClock, wrong_by: timedelta
) -> None:
    """Claims are compared by the database's clock: by their own, each would take over what the other has written."""
    database = Database(postgres_url)
    async with database.transaction() as connection:
        await connection.run_sync(metadata.create_all)
    writing, other = Relay.on(database, clock), Relay.on(database, FakeClock(NOON + wrong_by))
    written = events(3)
    await writing.write(*written)

    async with other.running():
        await other.looks()
        assert not set(ids(written)) & set(other.publisher.message_ids)

        await other.passes(CLAIM)
        await eventually(other.is_empty)
    await database.close()


async def test_a_long_backlog_is_forgotten_as_it_is_sent(database: Database, clock: FakeClock) -> None:
    dead, backlog = Relay.on(database, clock), events(4 * BATCH)
    await dead.write(*backlog)
    await dead.passes(CLAIM)
    slow = Relay.on(database, clock, costs=CLAIM / BATCH / 2)

    async with slow.running():
        await eventually(slow.is_empty)

    assert sorted(slow.publisher.message_ids) == sorted(ids(backlog))


async def test_two_relays_never_send_the_same(database: Database, clock: FakeClock) -> None:
    dead, backlog = Relay.on(database, clock), events(3 * BATCH)
    await dead.write(*backlog)
    await dead.passes(CLAIM)
    one, other = Relay.on(database, clock), Relay.on(database, clock)

    async with one.running(), other.running():
        await eventually(one.is_empty)

    assert sorted(one.publisher.message_ids + other.publisher.message_ids) == sorted(ids(backlog))


async def test_more_than_fits_into_memory_is_found_by_looking(database: Database, clock: FakeClock) -> None:
    relay, written = Relay.on(database, clock), events(1)
    await relay.write(*written)

    relay.outbox.relay_soon(written * (MOST_IN_MEMORY + 1))
    await relay.outbox.drain()
    assert relay.publisher.published == []

    await relay.passes(CLAIM)
    async with relay.running():
        await eventually(relay.is_empty)
    assert relay.publisher.message_ids == ids(written)


async def test_its_age_is_that_of_the_oldest_event(database: Database, clock: FakeClock) -> None:
    relay = Relay.on(database, clock)
    assert await relay.outbox.age() == timedelta(0)

    await relay.write(*events(1))
    clock.advance(timedelta(seconds=7))
    await relay.write(*events(1))
    clock.advance(timedelta(seconds=3))

    assert await relay.outbox.age() == timedelta(seconds=10)


async def test_to_know_the_age_of_a_long_backlog_it_is_not_read_whole(database: Database, clock: FakeClock) -> None:
    relay, is_sqlite = Relay.on(database, clock), database.dialect == "sqlite"
    with counted_statements() as asked:
        await relay.outbox.age()

    async with database.transaction() as connection:
        if not is_sqlite:
            await connection.execute(text("SET LOCAL enable_seqscan = off"))  # an empty table is rather read whole
        explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        of_query = next(one for one in asked if one.startswith("SELECT")).replace("$1::INTEGER", "1").replace("?", "1")
        plan = str((await connection.execute(text(f"{explain} {of_query}"))).all())

    assert "ix_outbox_claimed_until" in plan


async def test_nothing_is_forgotten_but_what_was_sent(database: Database, clock: FakeClock) -> None:
    relay, (sent, unsent, foreign) = Relay.on(database, clock), events(3)
    await relay.write(sent, unsent, foreign)

    relay.outbox.relay_soon([sent])
    await relay.outbox.drain()
    relay.publisher.is_away = True
    relay.outbox.relay_soon([unsent])
    await relay.outbox.drain()

    assert await relay.left() == {unsent.message_id, foreign.message_id}


async def test_a_graceful_stop_sends_and_forgets_what_is_in_memory(database: Database, clock: FakeClock) -> None:
    relay, written = Relay.on(database, clock), events(2)
    await relay.write(*written)
    relay.outbox.relay_soon(written)

    await relay.outbox.drain()

    assert relay.publisher.message_ids == ids(written)
    assert await relay.left() == set()


async def test_a_stop_in_the_middle_of_a_publish_sends_that_again(database: Database, clock: FakeClock) -> None:
    """Its broker may have it or not: left to its claim it would come half a minute late."""
    relay, written = Relay.on(database, clock), events(2)
    relay.publisher.may_go.clear()
    await relay.write(*written)
    relay.outbox.relay_soon(written)
    async with relay.running():
        await relay.publisher.asked.wait()
    relay.publisher.may_go.set()

    await relay.outbox.drain()

    assert relay.publisher.message_ids == ids(written)
    assert await relay.left() == set()


async def test_what_could_not_be_forgotten_is_forgotten_later_and_not_sent_again(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay, written = Relay.on(database, clock), events(2)
    await relay.write(*written)
    relay.outbox.relay_soon(written)
    with monkeypatch.context() as away:
        away.setattr(database, "transaction", _away)
        await relay.outbox.drain()
    assert await relay.left() == set(ids(written))

    await relay.outbox.drain()

    assert await relay.left() == set()
    assert relay.publisher.message_ids == ids(written)


def _away() -> None:
    raise TimeoutError
