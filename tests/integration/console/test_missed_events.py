"""What services tell is counted part by part, and a console whose queue was gone asks for everything by itself."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.app import MIGRATIONS
from services.console.missed_events import WAITS_FOR_ALL, MissedEvents
from services.console.read_model.tellings import Tellings
from shared.database.engine import Database
from shared.events.rebuilding import ConsoleRebuildAnswered, StateTold
from shared.messaging.broker import BrokerUnavailable
from tests.fakes.clock import FakeClock
from tests.support.migrated import migrated
from tests.support.schedules import NOON


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The console's, once on SQLite and once on PostgreSQL."""
    await migrated(database_url, MIGRATIONS)
    opened = Database(database_url)
    yield opened
    await opened.close()


def part(number: int, telling_id: str = "t-2") -> StateTold:
    return StateTold(service="scheduler", telling_id=telling_id, part=number)


async def test_a_rebuild_is_read_when_each_part_of_what_was_told_last_has_been(database: Database) -> None:
    """Parts come twice, in any order, before the answer or after; those of a telling that was broken off are others."""
    tellings = Tellings(database)
    for told in (part(0, "t-1"), part(1, "t-1"), part(2, "t-1"), part(2), part(2)):
        await tellings.read(told, NOON)
    answer = ConsoleRebuildAnswered(service="scheduler", told=500, telling_id="t-2", parts=3)
    await tellings.answered(answer, "rebuild", NOON)

    (half,) = await tellings.of("rebuild")
    await tellings.read(part(0), NOON)
    await tellings.read(part(1), NOON)
    (whole,) = await tellings.of("rebuild")

    assert dict(half) == {"service": "scheduler", "told": 500, "parts": 3, "read": 1}
    assert whole["read"] == 3


class Asking:
    """Counts what is asked for, while nobody refuses it; `are_there` is whether everybody can hear it."""

    def __init__(self) -> None:
        self.asked, self.are_there, self.is_refused = 0, True, False
        self.clock = FakeClock(NOON)

    async def ask(self) -> None:
        if self.is_refused:
            raise BrokerUnavailable("no confirm")
        self.asked += 1

    async def all_there(self) -> bool:
        return self.are_there

    def on(self, database: Database) -> MissedEvents:
        return MissedEvents("console.projector", database, self.clock, self.all_there, self.ask)


@pytest.fixture
async def asking(database: Database) -> Asking:
    """Of a console whose queue has been there before."""
    asking = Asking()
    await asking.on(database).look()
    return asking


async def test_the_first_start_of_all_has_missed_nothing(database: Database) -> None:
    asking = Asking()
    missed = asking.on(database)
    missed.note()

    await missed.look()
    await missed.look()

    assert asking.asked == 0


async def test_a_queue_that_was_gone_is_made_up_for_once(database: Database, asking: Asking) -> None:
    missed = asking.on(database)
    missed.note()

    for _ in range(3):
        await missed.look()

    assert asking.asked == 1


class DatabaseWithNews(Database):
    """Something happens in the middle of each transaction."""

    news: Callable[[], None]

    @asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[AsyncConnection]:
        async with super().transaction(**options) as connection:
            self.news()
            yield connection


async def test_a_queue_that_goes_in_the_middle_of_a_look_is_made_up_for(database: Database, asking: Asking) -> None:
    busy = DatabaseWithNews(database.url)
    missed = asking.on(busy)
    busy.news = missed.note
    await missed.look()
    busy.news = lambda: None

    await missed.look()
    await busy.close()

    assert asking.asked == 1


async def test_what_could_not_be_asked_for_is_asked_for_after_a_restart(database: Database, asking: Asking) -> None:
    asking.is_refused = True
    missed = asking.on(database)
    missed.note()
    with pytest.raises(BrokerUnavailable):
        await missed.look()
    asking.is_refused = False

    await asking.on(database).look()

    assert asking.asked == 1


@pytest.mark.parametrize(
    ("meanwhile", "asked"),
    [
        (lambda asking: None, 0),
        (lambda asking: setattr(asking, "are_there", True), 1),
        (lambda asking: asking.clock.advance(WAITS_FOR_ALL + timedelta(seconds=1)), 1),
    ],
    ids=["not yet", "all are there", "a minute is over"],
)
async def test_those_whose_queues_are_gone_too_are_waited_for_but_not_for_ever(
    database: Database, asking: Asking, meanwhile: Callable[[Asking], None], asked: int
) -> None:
    asking.are_there = False
    missed = asking.on(database)
    missed.note()
    await missed.look()

    meanwhile(asking)
    await missed.look()

    assert asking.asked == asked
