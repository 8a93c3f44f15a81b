"""Under limits posts leave in the order they are due, whoever has them, and wait while a network is closed."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import event

from services.publisher.claims import Claims
from services.publisher.domain import Claimed, Publication, StoredAccount, Wait
from services.publisher.outcomes import after_failure, after_success
from services.publisher.platforms.allowance import Allowance
from services.publisher.platforms.base import Limits, Published
from services.publisher.platforms.errors import RateLimited
from services.publisher.settling import Settling
from services.publisher.store import Store
from shared.events.progress import State
from tests.fakes.clock import FakeClock
from tests.support.publications import NOON, SECOND, delivered, keep, requested

MILLISECOND = timedelta(milliseconds=1)
BEFORE = NOON - 2 * SECOND


async def connected(store: Store, account_id: str = "account", **known: Any) -> None:
    usual: dict[str, Any] = {"limits": "{}", "platform": "sandbox", "app": None}
    row = usual | known
    await keep(
        store,
        StoredAccount(account_id, row["platform"], "{}", "", row["limits"], True, NOON, app=row["app"]),
    )


def claims_on(store: Store, clock: FakeClock | None = None, **limits: Limits) -> Claims:
    return Claims(store, clock or FakeClock(BEFORE), lease=30 * SECOND, limits=limits)


async def claim(claims: Claims, post_id: str, *, due: datetime = NOON, account_id: str = "account") -> Publication:
    """The post as it is claimed, or as it waits."""
    event_ = requested(post_id, publish_at=due, account_id=account_id)
    decision = (await claims.claim(delivered(event_, token=f"token of {post_id}"))).decision
    if isinstance(decision, Wait) and decision.postponed:
        return decision.postponed
    assert isinstance(decision, Claimed), decision
    return decision.publication


async def is_marked(store: Store, publication: Publication, now: datetime = BEFORE) -> bool:
    marked = replace(publication, state=State.SENDING, attempts=1, lease_until=NOON + 30 * SECOND, updated_at=now)
    async with store.unit() as unit:
        return bool(await unit.mark_sending([marked]))


async def test_who_comes_late_gets_the_slot_of_the_first_that_is_due_after_it(
    two_stores: tuple[Store, Store],
) -> None:
    one, other = map(claims_on, two_stores)
    await connected(two_stores[0], limits='{"per_second": 1}')
    due = {f"post-{number}": NOON + number * MILLISECOND for number in range(4)}
    early = {post_id: await claim(one, post_id, due=due[post_id]) for post_id in ("post-3", "post-1", "post-2")}

    late = await claim(other, "post-0", due=due["post-0"])
    stale = {post_id: await is_marked(two_stores[0], publication) for post_id, publication in early.items()}
    again = {post_id: await claim(one, post_id, due=due[post_id]) for post_id in early} | {"post-0": late}

    starts = [again[post_id].start_at for post_id in sorted(due)]
    assert starts == sorted(starts)
    assert all(later - earlier >= SECOND for earlier, later in pairwise(starts))
    assert set(starts) >= {publication.start_at for publication in early.values()}
    assert not any(stale.values())
    assert all([await is_marked(two_stores[1], publication) for publication in again.values()])


async def test_a_slot_that_is_about_to_be_used_is_not_handed_on(store: Store) -> None:
    await connected(store, limits='{"per_second": 1}')
    claims = claims_on(store, clock := FakeClock(BEFORE))
    holder = await claim(claims, "holder", due=NOON + MILLISECOND)
    clock.advance(2 * SECOND - 300 * MILLISECOND)

    late = await claim(claims, "late", due=NOON)

    assert late.start_at > holder.start_at
    assert await is_marked(store, holder)


async def test_who_waits_for_a_distant_slot_keeps_its_place_in_line(store: Store) -> None:
    await connected(store, limits='{"per_minute": 1}')
    claims = claims_on(store)
    await claim(claims, "first")
    last = await claim(claims, "last", due=NOON + 2 * MILLISECOND)

    second = await claim(claims, "second", due=NOON + MILLISECOND)

    assert (last.state, second.state) == (State.RETRYING, State.RETRYING)
    assert second.start_at == last.start_at
    async with store.unit() as unit:
        moved = (await unit.publications([last.key]))[last.key]
    assert moved.start_at - second.start_at >= 60 * SECOND


async def test_a_network_has_limits_of_its_own_and_an_account_may_have_others(store: Store) -> None:
    await connected(store)
    await connected(store, "strict", limits='{"per_second": 1}')
    claims = claims_on(store, sandbox=Limits(account={"per_second": 2}))

    usual = [(await claim(claims, f"post-{n}")).start_at - NOON for n in range(3)]
    strict = [(await claim(claims, f"post-{n}", account_id="strict")).start_at - NOON for n in range(2)]

    assert [start >= SECOND for start in usual] == [False, False, True]
    assert [start >= SECOND for start in strict] == [False, True]


async def test_accounts_of_one_app_share_its_limit(store: Store) -> None:
    for account_id, app in (("a", "one"), ("b", "one"), ("c", "two"), ("d", "x" * 200)):
        await connected(store, account_id, app=app, limits='{"per_second": 2}')
    claims = claims_on(store, sandbox=Limits(app={"per_second": 3}))

    starts = [(await claim(claims, f"post-{n}", account_id="ab"[n % 2])).start_at - NOON for n in range(4)]
    others = [(await claim(claims, "post", account_id=account_id)).start_at - NOON for account_id in "cd"]

    assert [start >= SECOND for start in starts] == [False, False, False, True]
    assert others == [timedelta(0)] * 2


async def refused(store: Store, publication: Publication, wait: timedelta, *, whole_app: bool = False) -> None:
    """Have the network refuse a post that was sent at noon."""
    sending = replace(publication, state=State.SENDING, attempts=1)
    error = RateLimited("HTTP 429", retry_after=wait, whole_app=whole_app)
    outcome = after_failure(sending, error, deduplicates=False, jitter=0, now=NOON)
    settling = Settling(store, FakeClock(NOON))
    with pytest.raises(Exception, match="again in"):
        await settling.settle(publication, outcome)


@pytest.mark.parametrize("own", ["{}", '{"per_second": 10}'], ids=["unlimited", "limited"])
async def test_what_waits_while_the_network_is_closed_is_neither_sent_nor_out_of_line(store: Store, own: str) -> None:
    await connected(store, limits=own)
    claims = claims_on(store, clock := FakeClock(BEFORE))
    first, second, third = [await claim(claims, f"post-{n}", due=NOON + n * MILLISECOND) for n in range(3)]
    clock.advance(2 * SECOND)

    await refused(store, first, 8 * SECOND)
    assert not await is_marked(store, second, NOON)
    later = [await claim(claims, f"post-{n}", due=NOON + n * MILLISECOND) for n in (2, 1, 0)]
    again = [await claim(claims, f"post-{n}", due=NOON + n * MILLISECOND) for n in range(3)]

    assert third.start_at < NOON + SECOND
    starts = [publication.start_at for publication in again]
    assert starts == sorted(starts)
    assert starts[0] == NOON + 8 * SECOND
    assert {publication.attempts for publication in later} == {0}
    assert all([await is_marked(store, publication, NOON) for publication in again])


async def test_a_reply_that_says_nothing_remains_closes_the_account_until_the_reset(store: Store) -> None:
    await connected(store)
    claims = claims_on(store, clock := FakeClock(BEFORE))
    first = await claim(claims, "first")
    clock.advance(2 * SECOND)
    published = Published("1", allowance=Allowance(0, NOON + 9 * SECOND))
    await Settling(store, clock).settle(first, after_success(first, published, NOON, NOON))

    assert (await claim(claims, "next")).start_at == NOON + 9 * SECOND
    clock.advance(10 * SECOND)
    assert (await claim(claims, "after", due=clock.now())).slot_at is None


@pytest.mark.parametrize("whole_app", [False, True])
async def test_a_refusal_may_speak_of_the_whole_app(store: Store, whole_app: bool) -> None:
    for account_id, app in (("account", "one"), ("sister", "one"), ("stranger", "two")):
        await connected(store, account_id, app=app)
    claims = claims_on(store, clock := FakeClock(BEFORE))
    first = await claim(claims, "first")
    clock.advance(2 * SECOND)

    await refused(store, first, 8 * SECOND, whole_app=whole_app)

    starts = {name: (await claim(claims, "post", account_id=name)).start_at for name in ("sister", "stranger")}
    assert starts == {"sister": NOON + 8 * SECOND if whole_app else NOON, "stranger": NOON}


async def test_accounts_without_limits_cost_no_query_more(store: Store) -> None:
    await connected(store)
    asked: list[str] = []
    engine = store._database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *call: asked.append(str(call[2])))

    await claim(claims_on(store), "post")

    assert [statement for statement in asked if "reservations" in statement or "slot_at >" in statement] == []
