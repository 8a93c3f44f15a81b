"""The clock at the database: dispatched once, a little ahead; claimed by one; swept when nothing is heard."""

import asyncio
import json
from collections import Counter
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import update

from services.scheduler.overdue import overdue_posts
from services.scheduler.periodic import LOOK_EVERY, OUTCOME_GRACE
from services.scheduler.release import HORIZON, LEAD, MEDIA_LEAD, UNDELAYED_HORIZON
from services.scheduler.store import CLAIM
from services.scheduler.tables import schedules
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.maintenance import Overdue
from shared.events.progress import OVERDUE_AFTER, State
from shared.events.publisher import (
    PublishFailed,
    PublishHeld,
    PublishRetrying,
    PublishSkipped,
    PublishSucceeded,
    PublishUnknown,
)
from shared.events.requests import ScheduleCancelRequested
from shared.messaging.delay import HORIZON as FURTHEST
from shared.messaging.delay import slot_of
from shared.messaging.topology import DELAYED_EXCHANGE, EVENTS_EXCHANGE, slot_name
from tests.support.schedules import DUE, NOON, post
from tests.support.scheduling import Replica

Replicas = tuple[Replica, Replica]
MINUTE = timedelta(minutes=1)
KEY: dict[str, Any] = {"post_id": "post-1", "account_id": "acct-1", "revision": 1}
ERROR = ErrorDetail(kind="transient", code="503", message="try later")
RETRYING = PublishRetrying(**KEY, attempt=1, next_attempt_at=DUE + 30 * MINUTE, error=ERROR)
SUCCEEDED = PublishSucceeded(**KEY, platform="x", published_at=DUE, lateness_ms=0, attempts=2)
TAKEN_BACK = PublishSkipped(**KEY, reason="superseded")
OUTCOMES: dict[State, Event] = {
    State.PUBLISHED: SUCCEEDED,
    State.FAILED: PublishFailed(**KEY, attempts=3, error=ERROR),
    State.UNKNOWN: PublishUnknown(**KEY, attempts=1, error=ERROR),
    State.SKIPPED: PublishSkipped(**KEY, reason="too_late"),
    State.HELD: PublishHeld(**KEY, reason="too late"),
}


async def scheduled_and_dispatched(replica: Replica) -> None:
    await replica.take(post())
    await replica.reach(DUE - HORIZON)
    assert len(await replica.dispatched()) == 1


async def test_a_post_is_dispatched_when_it_comes_within_the_horizon_and_once(replica: Replica) -> None:
    await replica.take(post())
    assert await replica.next_due_at() == DUE

    await replica.reach(DUE - HORIZON - timedelta(microseconds=1))
    assert await replica.dispatched() == []

    await replica.reach(DUE - HORIZON)
    (request,) = await replica.dispatched()
    assert (request.post_id, request.account_id, request.revision) == ("post-1", "acct-1", 1)
    assert (request.content, request.publish_at, request.swept) == ("Hello", DUE, False)

    await replica.reach(DUE + MINUTE)
    assert await replica.dispatched() == []
    assert (await replica.schedule()).state is State.DISPATCHED
    assert await replica.next_due_at() is None


async def test_it_rests_in_the_wheel_until_its_lead_and_carries_the_correlation(replica: Replica) -> None:
    await replica.take(post(), correlation_id="asked-for-by-ann")
    await replica.reach(DUE - HORIZON)
    await replica.dispatched()

    (sent,) = replica.publisher.published
    assert (sent.envelope.exchange, sent.envelope.routing_key) == (DELAYED_EXCHANGE, "publish.requested")
    assert sent.envelope.headers == {"slot": slot_name(slot_of(DUE - LEAD))}
    assert sent.expiration_ms == (HORIZON - LEAD) / timedelta(milliseconds=1)
    assert (sent.envelope.correlation_id, sent.mandatory) == ("asked-for-by-ann", True)


async def test_a_clock_that_is_put_back_after_the_claim_makes_no_delay_longer_than_the_wheel(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would fail, and all that was claimed with it; what comes early waits at the publisher."""
    await replica.take(post())
    await replica.reach(DUE - HORIZON)
    claim = replica.store.claim_due

    async def put_back(**asked: Any) -> Any:
        claimed = await claim(**asked)
        if claimed:
            replica.clock.advance(-2 * MINUTE)
        return claimed

    monkeypatch.setattr(replica.store, "claim_due", put_back)
    assert len(await replica.dispatched()) == 1

    (sent,) = replica.publisher.published
    assert sent.expiration_ms == FURTHEST / timedelta(milliseconds=1)


async def test_a_post_with_media_leaves_the_wheel_early_enough_to_upload_them(replica: Replica) -> None:
    await replica.take(post(media=[{"url": "https://cdn.example/a.jpg"}]))
    await replica.reach(DUE - HORIZON)
    await replica.dispatched()

    (sent,) = replica.publisher.published
    assert sent.expiration_ms == (HORIZON - MEDIA_LEAD) / timedelta(milliseconds=1)


async def test_while_the_wheel_cannot_be_relied_on_a_post_waits_at_the_publisher(replica: Replica) -> None:
    replica.publisher.delays = False
    await replica.take(post())

    await replica.reach(DUE - UNDELAYED_HORIZON - timedelta(microseconds=1))
    assert await replica.dispatched() == []
    await replica.reach(DUE - UNDELAYED_HORIZON)
    await replica.dispatched()

    (sent,) = replica.publisher.published
    assert (sent.envelope.exchange, sent.expiration_ms) == (EVENTS_EXCHANGE, None)


@pytest.mark.parametrize("stored", [{"media": '[{"url": 1}]'}, {"options": "{"}, {"media": '["a"]'}, {"retry": "{}}"}])
async def test_a_post_that_no_message_can_be_made_of_stops_no_other_and_is_told_to_be_overdue(
    replica: Replica, stored: dict[str, str]
) -> None:
    for name in ("p-1", "p-2", "p-3"):
        await replica.take(post(post_id=name))
    await replica.database.write(update(schedules).where(schedules.c.post_id == "p-2").values(stored))

    await replica.reach(DUE + OVERDUE_AFTER)
    assert {one.post_id for one in await replica.dispatched()} == {"p-1", "p-3"}
    told = await overdue_posts(replica.database, replica.clock)()

    assert told == Overdue(count=1, post_id="p-2", publish_at=DUE)


async def test_a_clock_that_is_set_back_leaves_no_claim_standing_for_an_hour(replica: Replica) -> None:
    await replica.take(post())
    await replica.reach(DUE - HORIZON)
    replica.publisher.is_away = True
    assert await replica.dispatched() == []

    replica.clock.advance(-timedelta(hours=1))
    claimed = [await replica.store.claim_due(due_before=DUE, now=replica.clock.now(), most=10) for _ in range(2)]
    assert [len(some) for some in claimed] == [1, 0]


@pytest.mark.parametrize("late", [timedelta(0), LEAD, timedelta(hours=3)])
async def test_what_an_outage_made_late_is_dispatched_at_once(replica: Replica, late: timedelta) -> None:
    await replica.take(post())

    await replica.reach(DUE + late)
    await replica.dispatched()

    (sent,) = replica.publisher.published
    assert (sent.envelope.exchange, sent.expiration_ms) == (EVENTS_EXCHANGE, None)


async def test_a_cancelled_post_is_not_dispatched(replica: Replica) -> None:
    await replica.take(post())
    await replica.take(ScheduleCancelRequested(post_id="post-1"))

    await replica.reach(DUE)

    assert await replica.dispatched() == []


async def test_a_postponed_post_is_dispatched_at_its_new_time(replica: Replica) -> None:
    later = DUE + timedelta(hours=1)
    await replica.take(post())
    await replica.take(post(publish_at=later))

    await replica.reach(DUE)
    assert await replica.dispatched() == []

    await replica.reach(later)
    assert [request.revision for request in await replica.dispatched()] == [2]


async def test_what_the_broker_did_not_take_is_tried_again_a_second_later(replica: Replica) -> None:
    await replica.take(post())
    await replica.reach(DUE - HORIZON)
    replica.publisher.is_away = True
    assert await replica.dispatched() == []

    replica.publisher.is_away = False
    assert await replica.dispatched() == []
    assert (await replica.schedule()).state is State.SCHEDULED

    await replica.reach(replica.clock.now() + LOOK_EVERY)
    assert len(await replica.dispatched()) == 1


async def test_what_a_dead_dispatcher_claimed_is_dispatched_by_another(replicas: Replicas) -> None:
    dead, other = replicas
    await dead.take(post())
    now = DUE - HORIZON
    await dead.reach(now)
    assert len(await dead.store.claim_due(due_before=DUE, now=now, most=10)) == 1

    assert await other.dispatched() == []

    await other.reach(now + CLAIM)
    assert len(await other.dispatched()) == 1
    assert other.clock.now() < DUE - LEAD


async def test_the_earliest_are_claimed_first(replica: Replica) -> None:
    for minutes in (3, 1, 2):
        await replica.take(post(f"in-{minutes}", publish_at=NOON + minutes * MINUTE))

    claimed = [
        await replica.store.claim_due(due_before=DUE, now=NOON, most=2),
        await replica.store.claim_due(due_before=DUE, now=NOON, most=2),
        await replica.store.claim_due(due_before=DUE, now=NOON, most=2),
    ]

    assert [[one.post_id for one in some] for some in claimed] == [["in-1", "in-2"], ["in-3"], []]


async def test_two_replicas_never_dispatch_the_same(replicas: Replicas) -> None:
    for number in range(4):
        await replicas[0].take(post(f"post-{number}", *(f"acct-{target}" for target in range(500)), publish_at=NOON))

    await asyncio.gather(*(replica.dispatcher.dispatch_due() for replica in replicas * 2))

    published = [json.loads(out.envelope.body) for replica in replicas for out in replica.publisher.published]
    counted = Counter((request["post_id"], request["account_id"]) for request in published)
    assert len(counted) == 2000
    assert set(counted.values()) == {1}


async def test_a_burst_is_spread_over_the_seconds_before_it_is_due(replica: Replica) -> None:
    for number in range(3):
        await replica.take(post(f"post-{number}", *(f"acct-{target}" for target in range(1000))))

    await replica.reach(DUE - HORIZON)
    await replica.dispatched()

    slots = Counter(sent.envelope.headers["slot"] for sent in replica.publisher.published)
    assert slots == {slot_name(slot_of(DUE - LEAD - timedelta(seconds=before))): 1000 for before in range(3)}


async def test_a_post_changed_while_it_is_dispatched_is_dispatched_as_it_is_now(replica: Replica) -> None:
    await replica.take(post())
    await replica.reach(DUE - HORIZON)
    old = await replica.store.claim_due(due_before=DUE, now=replica.clock.now(), most=10)
    await replica.take(post(content="changed"))
    answers = await replica.take(TAKEN_BACK)

    await replica.store.mark_dispatched(old, replica.clock.now())

    assert [event.type for event in answers] == ["schedule.accepted", "schedule.superseded"]
    assert [(request.content, request.revision) for request in await replica.dispatched()] == [("changed", 2)]


async def test_an_outcome_that_overtakes_the_mark_is_not_undone(replica: Replica) -> None:
    await replica.take(post())
    await replica.reach(DUE)
    claimed = await replica.store.claim_due(due_before=DUE, now=DUE, most=10)
    await replica.take(SUCCEEDED)

    await replica.store.mark_dispatched(claimed, DUE)

    assert (await replica.schedule()).state is State.PUBLISHED


async def test_what_gets_no_outcome_is_dispatched_again_with_a_mark(replica: Replica) -> None:
    await scheduled_and_dispatched(replica)

    await replica.reach(DUE + OUTCOME_GRACE - timedelta(seconds=1))
    assert await replica.sweeper.sweep() == 0

    replica.handlers.due_soon.clear()
    await replica.reach(DUE + OUTCOME_GRACE)
    assert await replica.sweeper.sweep() == 1
    assert replica.handlers.due_soon.is_set()

    (again,) = await replica.dispatched()
    assert (again.revision, again.swept, again.publish_at) == (1, True, DUE)
    assert (await replica.schedule()).state is State.DISPATCHED


async def test_each_sweep_doubles_the_patience_up_to_about_an_hour(replica: Replica) -> None:
    await scheduled_and_dispatched(replica)
    waits = []

    for _ in range(9):
        await replica.dispatched()
        start = max(replica.clock.now(), DUE)
        while not await replica.sweeper.sweep():
            replica.clock.advance(MINUTE / 2)
        waits.append((replica.clock.now() - start - OUTCOME_GRACE) / MINUTE)

    assert waits == [0, 1, 3, 7, 15, 31, 63, 63, 63]


@pytest.mark.parametrize("state", OUTCOMES)
async def test_an_outcome_ends_the_wait(replica: Replica, state: State) -> None:
    await scheduled_and_dispatched(replica)

    await replica.take(OUTCOMES[state])
    await replica.reach(DUE + timedelta(days=1))

    assert (await replica.schedule()).state is state
    assert await replica.sweeper.sweep() == 0


async def test_a_retry_is_awaited_until_its_time(replica: Replica) -> None:
    await scheduled_and_dispatched(replica)
    await replica.take(RETRYING)

    await replica.reach(RETRYING.next_attempt_at + OUTCOME_GRACE - timedelta(seconds=1))
    assert await replica.sweeper.sweep() == 0

    await replica.reach(RETRYING.next_attempt_at + OUTCOME_GRACE)
    assert await replica.sweeper.sweep() == 1
    assert len(await replica.dispatched()) == 1


@pytest.mark.parametrize("state", [State.FAILED, State.HELD])
async def test_a_post_that_a_person_had_tried_again_is_awaited_and_swept(replica: Replica, state: State) -> None:
    await scheduled_and_dispatched(replica)
    await replica.take(OUTCOMES[state])

    await replica.take(RETRYING.model_copy(update={"attempt": 1, "retries": 1}))
    assert (await replica.schedule()).state is State.RETRYING

    await replica.reach(RETRYING.next_attempt_at + OUTCOME_GRACE)
    assert await replica.sweeper.sweep() == 1


async def test_a_swept_post_learns_its_old_outcome(replica: Replica) -> None:
    await scheduled_and_dispatched(replica)
    await replica.take(RETRYING)
    await replica.reach(RETRYING.next_attempt_at + OUTCOME_GRACE)
    await replica.sweeper.sweep()
    await replica.dispatched()

    await replica.take(RETRYING)

    assert (await replica.schedule()).state is State.RETRYING


async def test_outcomes_in_any_order_and_twice_lead_to_the_same_state(replica: Replica) -> None:
    facts = [RETRYING, OUTCOMES[State.UNKNOWN], OUTCOMES[State.FAILED], SUCCEEDED]
    orders = list(permutations(facts))
    await replica.take(post("post", *(f"acct-{number}" for number in range(len(orders)))))

    async def tell(account_id: str, order: tuple[Event, ...]) -> None:
        for fact in (*order, *order):
            await replica.handle(fact.model_copy(update={"post_id": "post", "account_id": account_id}))

    await asyncio.gather(*(tell(f"acct-{number}", order) for number, order in enumerate(orders)))

    ends = {(one.state, one.attempts, one.revision) for one in await _schedules_of(replica, "post")}
    assert ends == {(State.PUBLISHED, 2, 1)}


async def test_without_a_success_the_last_attempt_counts_whatever_the_order(replica: Replica) -> None:
    facts = [RETRYING, OUTCOMES[State.HELD], OUTCOMES[State.FAILED]]
    for number, order in enumerate(permutations(facts)):
        await replica.handle(post(f"post-{number}"))
        for fact in order:
            await replica.handle(fact.model_copy(update={"post_id": f"post-{number}"}))

    ends = {(await replica.schedule(f"post-{number}")).state for number in range(6)}

    assert ends == {State.FAILED}


async def _schedules_of(replica: Replica, post_id: str) -> list[Any]:
    async with replica.store.unit() as unit:
        return list((await unit.schedules_of([post_id])).values())


async def test_outcomes_of_a_replaced_revision_change_nothing_but_a_success_does(replica: Replica) -> None:
    await scheduled_and_dispatched(replica)
    await replica.take(post(content="changed", publish_at=DUE + timedelta(hours=1)))
    await replica.take(TAKEN_BACK)

    await replica.take(OUTCOMES[State.FAILED])
    assert (await replica.schedule()).state is State.SCHEDULED

    await replica.take(SUCCEEDED)
    assert (await replica.schedule()).state is State.PUBLISHED
    await replica.reach(DUE + timedelta(hours=2))
    assert await replica.dispatched() == []


async def test_an_outcome_of_a_post_never_heard_of_is_no_trouble(replica: Replica) -> None:
    assert await replica.take(SUCCEEDED) == []
