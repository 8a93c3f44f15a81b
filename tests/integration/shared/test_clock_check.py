"""A clock that shows another time than the database's is told of, with how far they are apart."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from shared.database.clock_check import MOST_APART, database_now, try_clock
from shared.database.engine import Database
from shared.database.errors import ClocksApart
from shared.database.refusals import why_unusable
from shared.messaging.broker import Publisher
from shared.messaging.topology import Topology
from shared.process.service import Service, rabbit_broker
from tests.fakes.clock import FakeClock


def off_by(seconds: float) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(("seconds", "side"), [(3600, "ahead of"), (-3600, "behind")])
async def test_a_clock_that_is_an_hour_off_is_named(postgres_url: str, seconds: float, side: str) -> None:
    database = Database(postgres_url)

    with pytest.raises(ClocksApart) as told:
        await try_clock(database, off_by(seconds))

    words = why_unusable(told.value)
    assert f" s {side} the database's" in words
    assert abs(int(words.split(" is ")[1].split(" s ")[0]) - 3600) < 60
    await database.close()


async def test_a_clock_that_is_right_is_no_problem(postgres_url: str) -> None:
    database = Database(postgres_url)

    await try_clock(database, off_by(0))

    await database.close()


async def test_an_answer_that_takes_long_is_no_difference_of_clocks(postgres_url: str) -> None:
    """What the database showed may be as old as the answer."""
    database, shown = Database(postgres_url), [-2 * MOST_APART, 2 * MOST_APART]

    await try_clock(database, lambda: datetime.now(UTC) + shown.pop(0))

    await database.close()


async def test_a_file_has_no_clock(sqlite_url: str) -> None:
    database = Database(sqlite_url)

    await try_clock(database, off_by(3600))

    await database.close()


async def test_a_service_whose_clock_is_wrong_is_not_ready(postgres_url: str) -> None:
    database, clock = Database(postgres_url), FakeClock(datetime.now(UTC) + timedelta(hours=1))
    publisher = Publisher("amqp://nowhere", app_id="station", clock=clock)
    broker = rabbit_broker("amqp://nowhere", "station")
    service = Service("station", database, publisher, broker, Topology("station"), clock=clock)

    assert "ahead of the database's" in (await service.health.problems())["database"]
    await database.close()


async def test_replicas_go_by_the_clock_of_the_database_or_by_that_of_their_own_machine(
    postgres_url: str, sqlite_url: str
) -> None:
    server, file, clock = Database(postgres_url), Database(sqlite_url), FakeClock(datetime(2030, 1, 1, tzinfo=UTC))

    assert abs(datetime.now(UTC) - await database_now(server, clock)) < timedelta(minutes=1)
    assert await database_now(file, clock) == clock.now()
    await server.close()
    await file.close()
