"""Edits and cancellations of what may be on its way, at the database: asked of the publisher, and answered by facts."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import func, select

from services.scheduler import retention
from services.scheduler.periodic import OUTCOME_GRACE
from services.scheduler.release import HORIZON
from services.scheduler.store import CLAIM
from services.scheduler.tables import outbox, pending_requests
from shared.database.purging import Purge
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.maintenance import RetentionPurgeRequested
from shared.events.progress import State
from shared.events.publisher import PublishFailed, PublishRetrying, PublishSkipped, PublishSucceeded, PublishUnknown
from shared.events.requests import ScheduleBatchRequested, ScheduleCancelRequested
from shared.events.scheduler import PublishWithdrawRequested, ScheduleBatchSettled, ScheduleRejected
from tests.support.schedules import DUE, NOON, post, schedule, wanted
from tests.support.scheduling import Replica

Replicas = tuple[Replica, Replica]
MINUTE = timedelta(minutes=1)
KEY: dict[str, Any] = {"post_id": "post-1", "account_id": "acct-1"}
ERROR = ErrorDetail(kind="transient", code="503", message="try later")
CHANGED = post(content="changed")
CANCEL = ScheduleCancelRequested(post_id="post-1")


def skipped(revision: int = 1, reason: Any = "superseded") -> PublishSkipped:
    return PublishSkipped(**KEY, revision=revision, reason=reason)


def succeeded(revision: int = 1) -> PublishSucceeded:
    return PublishSucceeded(**KEY, revision=revision, platform="x", published_at=DUE, lateness_ms=0, attempts=1)


def retrying(*, in_doubt: bool, attempt: int = 1) -> PublishRetrying:
    return PublishRetrying(
        **KEY, revision=1, attempt=attempt, next_attempt_at=DUE + MINUTE, error=ERROR, in_doubt=in_doubt
    )


FAILED = PublishFailed(**KEY, revision=1, attempts=3, error=ERROR)
UNKNOWN = PublishUnknown(**KEY, revision=1, attempts=1, error=ERROR)


async def dispatched(replica: Replica) -> None:
    """A post whose message is with the broker."""
    await replica.take(post())
    await replica.reach(DUE - HORIZON)
    assert len(await replica.dispatched()) == 1


def told(events: Sequence[Event]) -> list[tuple[str, Any]]:
    """Types with what tells them apart."""
    return [(event.type, getattr(event, "code", None) or getattr(event, "revision", None)) for event in events]


async def waiting(replica: Replica) -> int:
    async with replica.database.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(pending_requests))).scalar_one())


async def test_an_edit_waits_for_the_publisher_and_is_carried_out_when_it_took_the_old_revision_back(
    replica: Replica,
) -> None:
    await dispatched(replica)

    (asked,) = await replica.take(CHANGED, correlation_id="edit")
    answers = await replica.take(skipped(), correlation_id="c-1")

    assert asked == PublishWithdrawRequested(**KEY, revision=1, reason="superseded")
    assert told(answers) == [("schedule.accepted", 2), ("schedule.superseded", 1)]
    assert answers[1].by == 2  # type: ignore[attr-defined]
    assert {one for type_, one in await _correlations(replica) if type_ != "schedule.accepted"} == {"edit"}
    new = schedule(wanted(content="changed"), revision=2, correlation_id="edit", updated_at=replica.clock.now())
    assert replace(await replica.schedule(), asked_at=NOON) == new
    assert await waiting(replica) == 0


async def _correlations(replica: Replica) -> list[tuple[str, str]]:
    async with replica.database.reading() as connection:
        return [(row.type, row.correlation_id) for row in await connection.execute(select(outbox))]


async def test_the_new_revision_goes_out_at_once_where_it_is_due_soon(replica: Replica) -> None:
    await dispatched(replica)
    await replica.take(CHANGED)
    replica.handlers.due_soon.clear()
    await replica.reach(DUE - timedelta(seconds=5))

    await replica.take(skipped())

    assert replica.handlers.due_soon.is_set()
    assert [(one.content, one.revision, one.swept) for one in await replica.dispatched()] == [("changed", 2, False)]


async def test_a_cancellation_waits_for_the_publisher(replica: Replica) -> None:
    await dispatched(replica)

    (asked,) = await replica.take(CANCEL)
    answers = await replica.take(skipped(reason="cancelled"))

    assert asked == PublishWithdrawRequested(**KEY, revision=1, reason="cancelled")
    assert told(answers) == [("schedule.cancelled", 2)]
    assert (await replica.schedule()).state is State.CANCELLED


@pytest.mark.parametrize("fact", [succeeded(), UNKNOWN, retrying(in_doubt=True)], ids=lambda fact: fact.type)
@pytest.mark.parametrize("request_", [CHANGED, CANCEL], ids=lambda request: request.type)
async def test_what_is_or_may_be_out_can_neither_be_edited_nor_cancelled(
    replica: Replica, fact: Any, request_: Any
) -> None:
    await dispatched(replica)
    await replica.take(request_)

    answers = await replica.take(fact)
    again = await replica.take(request_)

    assert told(answers) == told(again) == [("schedule.rejected", "already_published")]
    after = await replica.schedule()
    assert (after.content, after.revision, after.pending, after.progress.may_be_out) == ("Hello", 1, 0, True)
    assert await waiting(replica) == 0


@pytest.mark.parametrize(
    "before",
    [[], [retrying(in_doubt=False)], [FAILED], [retrying(in_doubt=True), FAILED], [skipped(reason="too_late")]],
    ids=["dispatched", "retrying", "failed", "doubt disproved", "too late"],
)
async def test_whatever_has_become_of_it_the_publisher_is_asked_first(replica: Replica, before: list[Event]) -> None:
    await dispatched(replica)
    for fact in before:
        await replica.take(fact)

    asked = await replica.take(CANCEL)
    for fact in before:
        assert await replica.take(fact) == []
    answers = await replica.take(skipped(reason="cancelled"))

    assert told(asked) + told(answers) == [("publish.withdraw_requested", 1), ("schedule.cancelled", 2)]


async def test_what_was_claimed_and_perhaps_sent_by_a_dispatcher_that_died_is_asked_for_too(replica: Replica) -> None:
    await replica.take(post())
    await replica.reach(DUE - HORIZON)
    await replica.store.claim_due(due_before=DUE, now=replica.clock.now(), most=10)

    assert told(await replica.take(CANCEL)) == [("publish.withdraw_requested", 1)]
    await replica.reach(replica.clock.now() + CLAIM)
    assert await replica.dispatched() == []


async def test_a_post_that_no_dispatcher_has_had_is_decided_at_once(replica: Replica) -> None:
    await replica.take(post())

    answers = await replica.take(CHANGED) + await replica.take(CANCEL)

    assert told(answers) == [("schedule.accepted", 2), ("schedule.cancelled", 3)]


async def test_all_that_comes_meanwhile_is_answered_in_its_order_once_each(replica: Replica) -> None:
    await dispatched(replica)

    asked = await replica.take(CHANGED, message_id="m-1")
    asked += await replica.take(CHANGED, message_id="m-1")
    asked += await replica.take(post(), message_id="m-2")
    asked += await replica.take(CANCEL, message_id="m-3")
    asked += await replica.take(CANCEL, message_id=None)
    answers = await replica.take(skipped())

    assert told(asked) == [("publish.withdraw_requested", 1)]
    assert told(answers) == [
        ("schedule.accepted", 2),
        ("schedule.superseded", 1),
        ("schedule.accepted", 3),
        ("schedule.cancelled", 4),
        ("schedule.cancelled", 4),
    ]


async def test_an_answer_that_comes_twice_answers_once(replica: Replica) -> None:
    await dispatched(replica)
    await replica.take(CHANGED)
    await replica.take(skipped())
    await replica.reach(DUE)
    assert len(await replica.dispatched()) == 1
    await replica.take(CANCEL)

    assert await replica.take(skipped()) == []
    assert (await replica.schedule()).pending == 1

    assert told(await replica.take(skipped(2, "cancelled"))) == [("schedule.cancelled", 3)]


async def test_a_cancellation_that_waits_behind_an_edit_is_for_the_revision_that_it_expects(replica: Replica) -> None:
    await dispatched(replica)
    await replica.take(CHANGED)

    await replica.take(CANCEL.model_copy(update={"expected_revision": 1}))
    settled = await replica.take(skipped())

    assert told(settled)[:2] == [("schedule.accepted", 2), ("schedule.superseded", 1)]
    (refused,) = [event for event in settled if isinstance(event, ScheduleRejected)]
    assert refused.code == "conflict"
    assert refused.reason.endswith("is at revision 2, not at 1; look at it first")


@pytest.mark.parametrize(("expected", "answers"), [(1, ["schedule.cancelled"]), (2, ["schedule.rejected"])])
async def test_a_cancellation_of_what_is_on_its_way_is_for_the_revision_that_it_expects(
    replica: Replica, expected: int, answers: list[str]
) -> None:
    await dispatched(replica)

    asked = await replica.take(CANCEL.model_copy(update={"expected_revision": expected}))
    settled = await replica.take(skipped(reason="cancelled"))

    assert [event.type for event in (*asked, *settled) if event.type != "publish.withdraw_requested"] == answers


async def test_facts_in_any_order_and_twice_answer_once_and_the_same(replica: Replica) -> None:
    facts: list[Any] = [retrying(in_doubt=False), FAILED, skipped()]
    for number, order in enumerate(permutations(facts)):
        key = {"post_id": f"post-{number}"}
        await replica.handle(post(f"post-{number}", publish_at=NOON))
        await replica.dispatched()
        await replica.handle(post(f"post-{number}", content="changed"))
        answers = [event for fact in (*order, *order) for event in await replica.take(fact.model_copy(update=key))]
        assert told(answers) == [("schedule.accepted", 2), ("schedule.superseded", 1)]


async def test_the_publisher_is_asked_again_until_it_answers(replica: Replica) -> None:
    await dispatched(replica)
    await replica.take(CHANGED)
    await replica.take(CANCEL)
    waits = []

    for _ in range(4):
        start = replica.clock.now()
        before = await _asked(replica)
        while not await replica.sweeper.withdraw_again():
            replica.clock.advance(MINUTE / 2)
        assert await _asked(replica) == before + 1
        waits.append((replica.clock.now() - start - OUTCOME_GRACE) / MINUTE)

    assert waits == [0, 1, 3, 7]
    assert told(await replica.take(skipped())) == [
        ("schedule.accepted", 2),
        ("schedule.superseded", 1),
        ("schedule.cancelled", 3),
    ]
    replica.clock.advance(120 * MINUTE)
    assert await replica.sweeper.withdraw_again() == 0


async def _asked(replica: Replica) -> int:
    asked = select(func.count()).select_from(outbox).where(outbox.c.type == "publish.withdraw_requested")
    async with replica.database.reading() as connection:
        return int((await connection.execute(asked)).scalar_one())


@pytest.mark.parametrize("before", [[], [skipped(reason="too_late")]], ids=["dispatched", "too late"])
async def test_what_is_being_taken_back_is_neither_swept_nor_dispatched_nor_deleted(
    replica: Replica, before: list[Event]
) -> None:
    await dispatched(replica)
    for fact in before:
        await replica.take(fact)
    await replica.take(CHANGED)

    await replica.reach(DUE + timedelta(days=30))
    assert await replica.sweeper.sweep() == 0
    assert await replica.dispatched() == []
    old = RetentionPurgeRequested(before=replica.clock.now())
    await Purge(replica.database, replica.clock, asyncio.Event()).run(retention.RULES, old)

    assert (await replica.schedule()).pending == 1


async def test_a_post_whose_edit_came_too_late_is_swept_as_any_other(replica: Replica) -> None:
    await dispatched(replica)
    await replica.take(CHANGED)
    await replica.take(retrying(in_doubt=True))

    await replica.reach(DUE + 10 * MINUTE)

    assert await replica.sweeper.sweep() == 1
    assert [(one.content, one.revision) for one in await replica.dispatched()] == [("Hello", 1)]


async def test_a_batch_says_what_waits_and_its_answer_comes_alone(replica: Replica) -> None:
    await dispatched(replica)
    bodies: list[Any] = [one.model_dump(mode="json", exclude_none=True) for one in (CHANGED, post("other"))]

    asked = await replica.take(ScheduleBatchRequested(batch_id="b", posts=tuple(bodies)), correlation_id="batch")
    answers = await replica.take(skipped())

    (settled,) = [event for event in asked if isinstance(event, ScheduleBatchSettled)]
    assert [one.post_id for one in settled.accepted] == ["other"]
    assert [(one.post_id, one.account_id) for one in settled.pending] == [("post-1", "acct-1")]
    assert told(answers) == [("schedule.accepted", 2), ("schedule.superseded", 1)]
    assert ("schedule.accepted", "batch") in await _correlations(replica)


async def test_two_replicas_that_take_requests_at_once_ask_once_and_answer_each(replicas: Replicas) -> None:
    await dispatched(replicas[0])

    await asyncio.gather(*(replica.handle(post(content=f"v {n}")) for n in range(10) for replica in replicas))
    assert (await _asked(replicas[0]), await waiting(replicas[0])) == (1, 20)
    before = await _answers(replicas[0])
    await asyncio.gather(*(replica.handle(skipped()) for replica in replicas))

    answered = await _answers(replicas[1]) - before
    assert (answered, await waiting(replicas[1])) == (20, 0)
    after = await replicas[1].schedule()
    assert (after.state, after.pending) == (State.SCHEDULED, 0)


async def _answers(replica: Replica) -> int:
    accepted = select(func.count()).select_from(outbox).where(outbox.c.type == "schedule.accepted")
    async with replica.database.reading() as connection:
        return int((await connection.execute(accepted)).scalar_one())


async def test_requests_and_their_answer_at_once_leave_nothing_waiting_that_nobody_asked_for(
    replicas: Replicas,
) -> None:
    """Whether an edit comes before the answer or after it, it is decided at once or asked for again."""
    one, other = replicas
    await dispatched(one)
    await one.take(CANCEL)

    await asyncio.gather(*(replica.handle(event) for replica, event in ((one, skipped()), (other, CHANGED))))

    after = await one.schedule()
    assert (after.revision, after.state, after.content) == (3, State.SCHEDULED, "changed")
    assert (after.pending, await waiting(one)) == (0, 0)


async def test_a_post_published_after_all_takes_the_answers_back(replica: Replica) -> None:
    await dispatched(replica)
    await replica.take(CHANGED, correlation_id="edit")
    await replica.take(skipped())

    (rejected,) = await replica.take(succeeded())

    assert isinstance(rejected, ScheduleRejected)
    assert rejected.code == "already_published"
    assert ("schedule.rejected", "edit") in await _correlations(replica)
    assert await replica.take(succeeded()) == []
    await replica.reach(DUE)
    assert await replica.dispatched() == []


async def test_how_often_to_try_goes_to_the_publisher(replica: Replica) -> None:
    await replica.take(post(retry={"attempts": 7, "first_delay_seconds": 0.5}))
    await replica.take(post("usual"))
    await replica.reach(DUE)

    requests = {one.post_id: one.retry for one in await replica.dispatched()}

    assert (requests["post-1"].attempts, requests["post-1"].first_delay_seconds) == (7, 0.5)
    assert requests["usual"].model_dump() == {
        "attempts": 3,
        "first_delay_seconds": 5,
        "longest_delay_seconds": 3600,
    }
