"""Two schedulers on one database: what is cancelled as soon as it has been asked for never goes out."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from services.scheduler.store import Store, Unit
from services.scheduler.unmet import MOMENT
from shared.events import Event
from shared.events.progress import State
from shared.events.requests import ScheduleBatchRequested, ScheduleCancelRequested, ScheduleRequested, Target
from shared.events.scheduler import ScheduleAccepted, ScheduleBatchSettled, ScheduleRejected
from shared.messaging.envelope import Delivery
from tests.integration.scheduler.test_replicas import schedulers
from tests.nodes import Broker
from tests.support.bus import Bus
from tests.support.schedules import NOON, post
from tests.support.scheduling import Replica
from tests.support.system import in_seconds
from tests.support.vhosts import vhosts_of
from tests.support.waiting import eventually

POSTS = 200
Replicas = tuple[Replica, Replica]
CANCELLATIONS = pytest.mark.parametrize("account_ids", [None, ("acct-1",)], ids=["whole post", "account"])


@pytest_asyncio.fixture
async def bus(postgres_url: str, broker_node: Broker, tmp_path: Path) -> AsyncIterator[Bus]:
    """What is told where two schedulers run."""
    async with AsyncExitStack() as stack:
        lent = stack.enter_context(vhosts_of(broker_node).lent("scheduler"))
        bus = await stack.enter_async_context(Bus.connected(lent.url))
        await stack.enter_async_context(schedulers(postgres_url, lent.url, tmp_path, 2))
        lent.declared()
        yield bus


def asked_for(post_id: str, seconds: float) -> ScheduleRequested:
    targets = (Target(account_id="acct-1"),)
    return ScheduleRequested(
        post_id=post_id, content="The ball drops.", publish_at=in_seconds(seconds), targets=targets
    )


def batch_of(*posts: ScheduleRequested) -> ScheduleBatchRequested:
    return ScheduleBatchRequested(batch_id="batch", posts=tuple(one.model_dump(mode="json") for one in posts))


def code_of(answers: Sequence[Event]) -> str:
    (answer,) = answers
    assert isinstance(answer, ScheduleRejected)
    return answer.code


def verdicts(bus: Bus, post_id: str) -> set[str]:
    """What was answered to the request and to its cancellation; a withdrawal is one that the publisher answers."""
    told = bus.heard("schedule.accepted", "schedule.cancelled", "publish.withdraw_requested", post_id=post_id)
    return {one.type for one in told} | {one.body["code"] for one in bus.heard("schedule.rejected", post_id=post_id)}


OVER: Sequence[set[str]] = (
    {"schedule.accepted", "schedule.cancelled"},
    {"schedule.accepted", "publish.withdraw_requested"},
    {"conflict", "not_found"},
)


async def test_whichever_replica_gets_the_cancellation_the_post_does_not_stay(bus: Bus) -> None:
    names = [f"post-{number}" for number in range(POSTS)]
    for name, (ahead, apart) in zip(names, cycle(((0, 0), (0, 0.002), (3600, 0), (3600, 0.01))), strict=False):
        await asyncio.gather(bus.emit(asked_for(name, ahead)), _cancel(bus, name, after=apart))

    await eventually(lambda: all(verdicts(bus, name) in OVER for name in names), what="all are cancelled or refused")


async def test_whoever_asks_again_once_he_has_the_answer_schedules_his_post(bus: Bus) -> None:
    for name in (f"post-{number}" for number in range(6)):
        await bus.emit(ScheduleCancelRequested(post_id=name))
        await bus.fact("schedule.rejected", post_id=name, code="not_found")
        await bus.emit(asked_for(name, 3600))
        await bus.fact("schedule.accepted", post_id=name)


async def _cancel(bus: Bus, post_id: str, *, after: float) -> None:
    await asyncio.sleep(after)
    await bus.emit(ScheduleCancelRequested(post_id=post_id))


@asynccontextmanager
async def unanswered(replica: Replica, account_ids: tuple[str, ...] | None = None) -> AsyncIterator[None]:
    """While a cancellation has found nothing and is not answered; it is once the block is over."""
    cancel = ScheduleCancelRequested(post_id="post-1", account_ids=account_ids)
    delivery = Delivery(cancel, uuid4().hex, "c-1", body=cancel.body())
    handling = asyncio.create_task(replica.handlers.on_schedule_cancel_requested(delivery))
    await replica.clock.until_asleep()
    assert await relayed(replica) == []
    yield
    replica.clock.advance(MOMENT)
    await handling
    assert "schedule.rejected" in await relayed(replica)


async def relayed(replica: Replica) -> list[str]:
    """The types of the answers that have gone out so far."""
    await replica.store.outbox.drain()
    return [one.envelope.type for one in replica.publisher.published]


async def codes(replica: Replica) -> list[str]:
    """The refusals that are written so far."""
    return [event.code for event in (await replica.emitted()).values() if isinstance(event, ScheduleRejected)]


@dataclass
class LostAnswers:
    """A store whose commits are carried out, and whose answers never come."""

    store: Store

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[Unit]:
        async with self.store.unit() as unit:
            yield unit
        raise ConnectionError("the connection broke off")


@CANCELLATIONS
async def test_what_another_replica_takes_before_the_answer_is_refused_and_what_comes_after_it_is_not(
    replicas: Replicas, account_ids: tuple[str, ...] | None
) -> None:
    one, other = replicas

    async with unanswered(one, account_ids):
        refused = await other.take(post())

    assert code_of(refused) == "conflict"
    (accepted,) = await other.take(post())
    assert isinstance(accepted, ScheduleAccepted)


@CANCELLATIONS
async def test_what_the_same_replica_takes_after_it_is_scheduled_at_once(
    replica: Replica, account_ids: tuple[str, ...] | None
) -> None:
    async with unanswered(replica, account_ids):
        (accepted,) = await replica.take(post())

    assert isinstance(accepted, ScheduleAccepted)
    assert (await replica.schedule()).state is State.SCHEDULED


@CANCELLATIONS
async def test_a_batch_of_which_nobody_knows_whether_it_came_first_is_refused(
    replica: Replica, account_ids: tuple[str, ...] | None
) -> None:
    async with unanswered(replica, account_ids):
        (settled,) = await replica.take(batch_of(post(), post("post-2")))

    assert isinstance(settled, ScheduleBatchSettled)
    assert [(one.post_id, one.code) for one in settled.rejected] == [("post-1", "conflict")]
    (again,) = await replica.take(batch_of(post()))
    assert isinstance(again, ScheduleBatchSettled)
    assert [one.post_id for one in again.accepted] == ["post-1"]


async def test_a_request_that_comes_back_an_hour_later_is_refused_all_the_same(replicas: Replicas) -> None:
    one, other = replicas
    since = one.clock.now()
    async with unanswered(one):
        pass
    await one.reach(NOON + timedelta(minutes=50))

    assert code_of(await other.take(post(), put_off_since=since)) == "conflict"


async def test_a_cancellation_that_comes_twice_is_answered_once(replica: Replica) -> None:
    cancel = ScheduleCancelRequested(post_id="post-1")

    first = await replica.take(cancel, message_id="m-1")

    assert code_of(first) == "not_found"
    assert await replica.take(cancel, message_id="m-1") == []


@CANCELLATIONS
async def test_one_that_comes_again_after_a_crash_leaves_alone_what_was_asked_for_after_it(
    replicas: Replicas, account_ids: tuple[str, ...] | None
) -> None:
    one, other = replicas
    cancel = ScheduleCancelRequested(post_id="post-1", account_ids=account_ids)
    taken = asyncio.create_task(one.handle(cancel, message_id="m-1"))
    await one.clock.until_asleep()
    (accepted,) = await one.take(post())
    assert isinstance(accepted, ScheduleAccepted)
    taken.cancel()
    await asyncio.wait({taken})

    await other.handle(cancel, message_id="m-1")

    assert (await other.schedule()).state is State.SCHEDULED
    assert await codes(other) == ["not_found"]


async def test_what_the_same_replica_takes_after_one_whose_commit_was_not_answered_is_scheduled(
    replica: Replica,
) -> None:
    cancel = ScheduleCancelRequested(post_id="post-1")
    asked_at = replica.clock.now()
    replica.handlers.store = LostAnswers(replica.store)  # type: ignore[assignment]
    with pytest.raises(ConnectionError):
        await replica.handle(cancel, message_id="m-1")
    replica.handlers.store = replica.store

    (accepted,) = await replica.take(post())
    again = await replica.take(cancel, message_id="m-1", put_off_since=asked_at)

    assert isinstance(accepted, ScheduleAccepted)
    assert again == []
    assert await codes(replica) == ["not_found"]
    assert (await replica.schedule()).state is State.SCHEDULED
