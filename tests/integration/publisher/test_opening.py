"""Starts are given and attempts committed together: whatever has changed gets none, and limits hold across replicas."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from services.publisher.limits.gates import Gates
from services.publisher.limits.grants import Start
from services.publisher.limits.opening import Candidate, Opening, Result
from services.publisher.limits.pace import Pace
from services.publisher.limits.windows import windows_of
from services.publisher.sending.case import Case
from services.publisher.sending.evidence import Attempt, Evidence
from services.publisher.store import Store
from shared.events.progress import State
from tests.support.publications import NOON, SECOND, a_case, a_stored_account, an_attempt, delivered, keep, requested
from tests.unit.publisher.test_bucket import most_within

SEND_TIMEOUT, LEASE = 10 * SECOND, 30 * SECOND
UNLIMITED: Gates = {}


def limited(most: int) -> Gates:
    return {"account": windows_of({"per_second": most})}


def opening(store: Store, replica: str = "one") -> Opening:
    return Opening(store, Pace(), replica, SEND_TIMEOUT, LEASE)


async def cases(store: Store, count: int, *attempts: Attempt, first: int = 0) -> list[Case]:
    """Posts that we have claimed, due one after another."""
    await keep(store, a_stored_account())
    found = []
    for number in range(first, first + count):
        name, due_at = f"post {number:02}", NOON + number * SECOND / 1000
        event = requested(name, publish_at=due_at)
        own = tuple(replace(one, post_id=name) for one in attempts)
        publication = {"post_id": name, "claim_token": name, "request": "{}"}
        found.append(a_case(*own, event=event, publication=publication, delivered=delivered(event, token=name)))
    async with store.unit() as unit:
        await unit.save([case.publication for case in found])
        await unit.save_attempts([one for case in found for one in case.attempts])
    return found


async def opened(ours: Opening, some: list[Case], gates: Gates = UNLIMITED, *, now: datetime = NOON) -> Result:
    (result,) = await ours.open([Candidate("account", gates, some, len(some))], now)
    return result


async def attempts_of(store: Store, case: Case) -> tuple[Attempt, ...]:
    async with store.unit() as unit:
        return (await unit.attempts([case.publication.key])).get(case.publication.key, ())


async def test_an_attempt_is_committed_with_its_start_and_its_lease(store: Store) -> None:
    (case,) = await cases(store, 1)

    result = await opened(opening(store), [case])

    (attempt,) = await attempts_of(store, case)
    assert (attempt,) == result.attempts
    assert (attempt.evidence, attempt.number, attempt.start_at) == (Evidence.OPEN, 1, NOON)
    assert attempt.lease_until >= attempt.latest_at + SEND_TIMEOUT
    assert attempt.lease_until == NOON + LEASE


async def test_a_post_that_has_changed_gets_no_attempt_and_the_others_theirs(store: Store) -> None:
    lost, withdrawn, ours = await cases(store, 3)
    async with store.unit() as unit:
        await unit.save([replace(lost.publication, claim_token="theirs")])
        await unit.save([replace(withdrawn.publication, withdrawn=1, withdrawn_because="cancelled")])

    result = await opened(opening(store), [lost, withdrawn, ours])

    assert [attempt is not None for attempt in result.attempts] == [False, False, True]
    assert [await attempts_of(store, case) for case in (lost, withdrawn)] == [(), ()]


async def test_nothing_is_opened_on_an_account_that_a_limit_has_closed_meanwhile(store: Store) -> None:
    (case,) = await cases(store, 1)
    async with store.unit() as unit:
        await unit.close_accounts("account", NOON + 60 * SECOND, whole_app=False)

    assert (await opened(opening(store), [case])).attempts == (None,)


async def test_who_writes_late_of_an_attempt_that_never_left_does_not_touch_the_one_after_it(store: Store) -> None:
    never_left = an_attempt(Evidence.NOT_SENT, number=2)
    (case,) = await cases(store, 1, an_attempt(Evidence.REFUSED), never_left)

    await opened(opening(store), [case])
    async with store.unit() as unit:
        await unit.save_attempts([never_left])

    found = [(attempt.number, attempt.evidence) for attempt in await attempts_of(store, case)]
    assert found == [(1, Evidence.REFUSED), (2, Evidence.NOT_SENT), (3, Evidence.OPEN)]


async def test_what_we_know_of_attempts_before_is_committed_with_the_new_one(store: Store) -> None:
    (case,) = await cases(store, 1, an_attempt(Evidence.UNKNOWN))
    proved = replace(case, attempts=tuple(replace(one, evidence=Evidence.DISPROVED) for one in case.attempts))

    await opened(opening(store), [proved])

    found = [(attempt.number, attempt.evidence) for attempt in await attempts_of(store, case)]
    assert found == [(1, Evidence.DISPROVED), (2, Evidence.OPEN)]


async def test_under_a_limit_the_first_in_line_get_starts_and_the_others_are_told_when_to_ask(store: Store) -> None:
    some = await cases(store, 10)

    result = await opened(opening(store), some, limited(2), now=NOON + SECOND)

    assert len(result.attempts) == 2
    assert NOON + SECOND < result.next_at <= NOON + 2.5 * SECOND
    async with store.unit() as unit:
        kept = (await unit.reservations(["account"]))["account"]
    assert len(kept["latest"]) == 2


async def test_limits_hold_across_replicas(two_stores: tuple[Store, Store]) -> None:
    """Both ask all the time; whoever is given starts uses them as late as it may."""
    one, other = two_stores
    lines = [await cases(one, 30), await cases(one, 30, first=30)]
    replicas = [opening(one, "one"), opening(other, "other")]
    starts: list[Start] = []

    async def serve(ours: Opening, line: list[Case]) -> None:
        now = NOON + SECOND
        while line:
            result = await opened(ours, line, limited(5), now=now)
            starts.extend(result.starts)
            del line[: len(result.attempts)]
            now = max(result.next_at, now + timedelta(milliseconds=10))

    await asyncio.gather(*(serve(ours, line) for ours, line in zip(replicas, lines, strict=True)))

    begun = [start.latest_at if number % 2 else start.start_at for number, start in enumerate(starts)]
    assert len(starts) >= 60
    assert most_within(begun, SECOND) <= 5


async def test_what_is_opened_is_being_sent(store: Store) -> None:
    (case,) = await cases(store, 1)

    await opened(opening(store), [case])

    async with store.unit() as unit:
        kept = (await unit.publications([case.publication.key]))[case.publication.key]
    assert (kept.state, kept.claim_token) == (State.SENDING, case.publication.claim_token)
