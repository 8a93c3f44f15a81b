"""Sign-ins at networks: each is taken once, in time, by the session that began it, and its row tells nothing."""

from datetime import timedelta

from sqlalchemy import select

from services.console.networks.sign_ins import SIGN_IN_WITHIN, NetworkSignIns
from services.console.tables.browsers import network_sign_ins
from shared.database.engine import Database
from tests.fakes.clock import FakeClock
from tests.integration.console.conftest import ReadModel
from tests.support.schedules import NOON

WAITING = {"verifier": "a-verifier", "app": {"client_secret": "app-s3cret"}}


async def test_a_sign_in_is_taken_once_by_the_session_that_began_it(read_model: ReadModel, database_url: str) -> None:
    database = Database(database_url)
    sign_ins = NetworkSignIns(database, FakeClock(NOON))
    await sign_ins.keep("state", "my-session", WAITING)

    taken = [await sign_ins.take("state", session) for session in ("their-session", "my-session", "my-session")]
    guessed = await sign_ins.take("guessed", "my-session")
    await database.close()

    assert taken == [None, WAITING, None]
    assert guessed is None


async def test_a_sign_in_that_took_too_long_is_over(read_model: ReadModel, database_url: str) -> None:
    database, clock = Database(database_url), FakeClock(NOON)
    sign_ins = NetworkSignIns(database, clock)
    for state in ("soon", "late"):
        await sign_ins.keep(state, "my-session", WAITING)

    clock.advance(SIGN_IN_WITHIN - timedelta(seconds=1))
    soon = await sign_ins.take("soon", "my-session")
    clock.advance(timedelta(seconds=1))
    late = await sign_ins.take("late", "my-session")
    await database.close()

    assert (soon, late) == (WAITING, None)


async def test_what_waits_cannot_be_read_from_the_database(read_model: ReadModel, database_url: str) -> None:
    database = Database(database_url)
    await NetworkSignIns(database, FakeClock(NOON)).keep("state", "my-session", WAITING)

    async with database.reading() as connection:
        row = (await connection.execute(select(network_sign_ins))).one()
    await database.close()

    assert [secret for secret in ("my-session", "a-verifier", "app-s3cret") if secret in str(row)] == []
