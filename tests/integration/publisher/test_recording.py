"""Outcomes are committed with what is known of the attempts, told once, and kept while they cannot be written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from services.publisher.platforms.base import Published
from services.publisher.platforms.errors import RateLimited, Transient, Unauthorized
from services.publisher.sending import outcomes
from services.publisher.sending.case import Case
from services.publisher.sending.evidence import Evidence
from services.publisher.sending.next_step import next_step
from services.publisher.sending.recording import WRITE_AGAIN_IN, Recording
from services.publisher.sending.steps import Settle
from services.publisher.store import Store, Unit
from services.publisher.tables import outbox
from shared.events.progress import State
from tests.fakes.clock import FakeClock
from tests.support.publications import NOON, SECOND, a_case, a_stored_account, an_attempt, delivered, keep

KEY = ("post", "account")


class AwayStore(Store):
    """A store whose database is away for as long as a test wants."""

    is_away = True

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[Unit]:
        if self.is_away:
            raise OperationalError("COMMIT", {}, ConnectionRefusedError())
        async with super().unit() as unit:
            yield unit


async def sent(store: Store, **changes: object) -> Case:
    """A post whose attempt is on its way."""
    await keep(store, a_stored_account())
    case = replace(a_case(an_attempt()), opened=an_attempt())
    async with store.unit() as unit:
        await unit.save([replace(case.publication, state=State.SENDING, **changes)])  # type: ignore[arg-type]
        await unit.save_attempts(case.attempts)
    return case


def landed(case: Case) -> tuple[Case, outcomes.Outcome]:
    after = case.landed(Published("7"), NOON, NOON)
    return after, outcomes.succeeded(after, NOON)


async def told(store: Store) -> list[str]:
    async with store.unit() as unit:
        rows = await unit.connection.execute(select(outbox.c.type).order_by(outbox.c.created_at))
        return list(rows.scalars())


async def kept(store: Store) -> tuple[str, list[Evidence]]:
    async with store.unit() as unit:
        publication = (await unit.publications([KEY]))[KEY]
        return publication.state, [one.evidence for one in (await unit.attempts([KEY])).get(KEY, ())]


async def test_an_outcome_is_committed_with_the_evidence_and_told(store: Store) -> None:
    after, outcome = landed(await sent(store))

    assert await Recording(store, FakeClock(NOON)).record(after, outcome)

    assert await kept(store) == (State.PUBLISHED, [Evidence.LANDED])
    assert await told(store) == ["publish.succeeded"]


async def test_an_outcome_that_is_recorded_twice_is_told_once(store: Store) -> None:
    after, outcome = landed(await sent(store))
    recording = Recording(store, FakeClock(NOON))

    answers = [await recording.record(after, outcome) for _ in range(2)]

    assert answers == [True, False]
    assert await told(store) == ["publish.succeeded"]


async def test_an_outcome_under_a_claim_that_was_lost_is_not_told_but_its_evidence_is_kept(store: Store) -> None:
    """Who has the post now must know that it may be out."""
    case = await sent(store, claim_token="theirs")
    after = case.lost(Transient("busy"))
    step = next_step(after, NOON)
    assert isinstance(step, Settle)

    assert not await Recording(store, FakeClock(NOON)).record(after, step.outcome)

    assert await kept(store) == (State.SENDING, [Evidence.REFUSED])
    assert await told(store) == []


async def test_of_a_post_that_was_withdrawn_meanwhile_a_refusal_is_not_told(store: Store) -> None:
    case = await sent(store, withdrawn=1, withdrawn_because="cancelled")
    after = case.lost(Transient("busy"))
    step = next_step(after, NOON)
    assert isinstance(step, Settle)

    assert not await Recording(store, FakeClock(NOON)).record(after, step.outcome)
    assert await told(store) == []


async def test_what_the_network_asks_for_closes_the_account_even_where_the_outcome_does_not_count(store: Store) -> None:
    case = await sent(store, claim_token="theirs")
    after = case.lost(RateLimited("HTTP 429", retry_after=60 * SECOND))
    step = next_step(after, NOON)
    assert isinstance(step, Settle)

    await Recording(store, FakeClock(NOON)).record(after, step.outcome)

    account = await store.account("account")
    assert account is not None
    assert account.closed_until == NOON + 60 * SECOND


async def test_an_account_that_is_refused_is_marked_with_the_outcome(store: Store) -> None:
    case = await sent(store)
    after = case.lost(Unauthorized("token revoked"))
    step = next_step(after, NOON)
    assert isinstance(step, Settle)

    await Recording(store, FakeClock(NOON)).record(after, step.outcome)

    account = await store.account("account")
    assert account is not None
    assert account.needs_reconnect
    assert await told(store) == ["publish.held", "account.refresh_failed"]


@pytest.mark.parametrize("ahead", [SECOND, -SECOND], ids=["later", "by a clock that is behind"])
async def test_a_refusal_says_nothing_of_an_account_that_was_connected_anew_meanwhile(
    store: Store, ahead: timedelta
) -> None:
    """It would be told later than the connection, and taken for the news; and the post may well go out now."""
    case = await sent(store)
    await keep(store, replace(a_stored_account(), changed_at=a_stored_account().changed_at + ahead))
    after = case.lost(Unauthorized("token revoked"))
    step = next_step(after, NOON + 2 * SECOND)
    assert isinstance(step, Settle)

    assert not await Recording(store, FakeClock(NOON + 2 * SECOND)).record(after, step.outcome)

    account = await store.account("account")
    assert account is not None
    assert not account.needs_reconnect
    assert await kept(store) == (State.SENDING, [Evidence.REFUSED])
    assert await told(store) == []


async def test_outcomes_of_one_moment_are_each_told_of(store: Store) -> None:
    case = await sent(store)
    after, outcome = landed(case)
    stranger = replace(after, delivered=delivered(token="another"))
    recording = Recording(store, FakeClock(NOON))

    ours, theirs = await asyncio.gather(recording.record(after, outcome), recording.record(stranger, outcomes.NOTHING))

    assert ours
    assert theirs
    assert await told(store) == ["publish.succeeded"]


def away(store: Store) -> AwayStore:
    """The same database, away."""
    return AwayStore(store._database, store.outbox)


async def test_an_outcome_is_kept_while_the_database_is_away(store: Store) -> None:
    after, outcome = landed(await sent(store))
    clock, gone = FakeClock(NOON), away(store)
    recording = asyncio.create_task(Recording(gone, clock).record(after, outcome))
    for _ in range(5):
        await clock.until_asleep()
        clock.advance(WRITE_AGAIN_IN)
    assert not recording.done()

    gone.is_away = False
    await clock.until_asleep()
    clock.advance(WRITE_AGAIN_IN)

    assert await recording
    assert await kept(store) == (State.PUBLISHED, [Evidence.LANDED])
    assert await told(store) == ["publish.succeeded"]


async def test_that_an_attempt_never_left_is_kept_while_the_database_is_away(store: Store) -> None:
    case = (await sent(store)).not_started()
    clock, gone = FakeClock(NOON), away(store)
    keeping = asyncio.create_task(Recording(gone, clock).keep(case))
    await clock.until_asleep()

    gone.is_away = False
    clock.advance(WRITE_AGAIN_IN)
    await keeping

    assert await kept(store) == (State.SENDING, [Evidence.NOT_SENT])
    assert await told(store) == []


async def test_that_an_attempt_landed_is_not_kept_without_its_outcome(store: Store) -> None:
    """Nobody would take over a post that has landed, and nobody would tell of it."""
    after, _ = landed(await sent(store))

    await Recording(store, FakeClock(NOON)).keep(after)

    assert await kept(store) == (State.SENDING, [Evidence.OPEN])


async def test_a_service_that_stops_waits_for_no_database(store: Store) -> None:
    after, outcome = landed(await sent(store))
    clock = FakeClock(NOON)
    recording = Recording(away(store), clock)
    under_way = asyncio.create_task(recording.record(after, outcome))
    await clock.until_asleep()

    recording.stop()
    clock.advance(WRITE_AGAIN_IN)

    with pytest.raises(OperationalError):
        await under_way
