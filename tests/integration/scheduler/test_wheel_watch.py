"""Messages that are gone from the wheel before their time are noticed, and their posts asked for again at once."""

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta

import pytest

from services.scheduler import wheel_watch
from services.scheduler.release import HORIZON, LEAD, UNDELAYED_HORIZON
from services.scheduler.wheel_watch import WheelWatch
from shared.events.progress import State
from shared.messaging.broker import BrokerUnavailable, Publisher, QueueFigures
from shared.messaging.delay import slot_of
from shared.messaging.topology import EVENTS_EXCHANGE, slot_name, slot_queue
from tests.integration.scheduler.test_dispatching import RETRYING, SUCCEEDED
from tests.support.schedules import DUE, post
from tests.support.scheduling import Replica

SLOT = slot_queue(slot_name(slot_of(DUE - LEAD)))


@pytest.fixture
async def watch(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> WheelWatch:
    """A watch that need not wait to be sure, and a post whose message rests in its slot."""
    monkeypatch.setattr(wheel_watch, "SURELY_SECONDS", 0)
    monkeypatch.setattr(wheel_watch, "AGAIN_SECONDS", 0)
    watch = WheelWatch(replica.store, replica.publisher, replica.clock, replica.sweeper)
    replica.dispatcher.note_sent = watch.note
    await replica.take(post())
    await replica.reach(DUE - HORIZON)
    assert len(await replica.dispatched()) == 1
    return watch


async def test_a_post_whose_slot_is_gone_is_sent_again_without_a_delay(replica: Replica, watch: WheelWatch) -> None:
    assert await watch.look() == 1

    assert await replica.dispatched() == []
    await replica.reach(DUE - UNDELAYED_HORIZON)
    (again,) = await replica.dispatched()
    assert (again.post_id, again.revision, again.swept) == ("post-1", 1, True)
    sent = replica.publisher.last()
    assert (sent.envelope.exchange, sent.expiration_ms) == (EVENTS_EXCHANGE, None)
    assert await watch.look() == 0


async def test_a_slot_that_was_made_again_empty_has_lost_its_messages(replica: Replica, watch: WheelWatch) -> None:
    replica.publisher.queued[SLOT] = 0

    assert await watch.look() == 1


async def test_what_rests_in_its_slot_is_left_alone(replica: Replica, watch: WheelWatch) -> None:
    replica.publisher.queued[SLOT] = 1

    assert await watch.look() == 0
    assert await watch.problem() is None
    assert (await replica.schedule()).state is State.DISPATCHED
    assert replica.publisher.may_delay


async def test_messages_that_are_gone_once_are_no_problem_for_long(watch: WheelWatch) -> None:
    """Somebody deleted queues, and all is mended: the log has it."""
    await watch.look()

    assert await watch.problem() is None


async def test_messages_that_are_gone_again_and_again_are_told_with_the_way_out(
    replica: Replica, watch: WheelWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheel_watch, "GOES_ON_SECONDS", (0.0, 180.0))
    monkeypatch.setattr(Publisher, "avoid_delays", lambda _: None)

    for number in range(2):
        await replica.take(post(f"post-{number}"))
        await replica.dispatched()
        await watch.look()

    assert "timeball.delay.*" in (await watch.problem() or "")


@pytest.mark.parametrize("fact", [RETRYING, SUCCEEDED])
async def test_a_post_that_was_heard_of_is_not_asked_for_again(
    replica: Replica, watch: WheelWatch, fact: object
) -> None:
    await replica.take(fact)

    await watch.look()

    await replica.reach(DUE - timedelta(seconds=1))
    assert await replica.dispatched() == []


async def test_a_slot_whose_leader_is_being_elected_is_looked_at_again(
    replica: Replica, watch: WheelWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [0, 1]

    async def figures(_: str) -> QueueFigures:
        return QueueFigures(said.pop(0), 0)

    monkeypatch.setattr(replica.publisher, "queue_figures", figures)

    assert await watch.look() == 0
    assert said == []


async def test_while_the_broker_is_away_nothing_is_said_to_be_gone(replica: Replica, watch: WheelWatch) -> None:
    replica.publisher.is_away = True
    with pytest.raises(BrokerUnavailable):
        await watch.look()
    assert await watch.problem() is None

    replica.publisher.is_away = False

    assert await watch.look() == 1


async def test_what_should_have_left_its_slot_is_not_missed_there(watch: WheelWatch) -> None:
    has_left(watch)

    assert await watch.look() == 0


async def test_what_should_have_left_lately_is_asked_for_again_where_others_are_gone(
    replica: Replica, watch: WheelWatch
) -> None:
    """Nobody has looked since whether it was there."""
    has_left(watch)
    await replica.take(post("post-2"))
    await replica.dispatched()

    assert await watch.look() == 2
    await replica.reach(DUE - UNDELAYED_HORIZON)
    assert {one.post_id for one in await replica.dispatched()} == {"post-1", "post-2"}


async def test_what_has_left_long_ago_is_forgotten(
    replica: Replica, watch: WheelWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheel_watch, "LATELY_SECONDS", 0)
    has_left(watch)
    await replica.take(post("post-2"))
    await replica.dispatched()

    assert await watch.look() == 1


async def test_where_the_clock_is_set_forward_what_rests_is_asked_for_again_without_a_delay(
    replica: Replica, watch: WheelWatch
) -> None:
    """It would leave its slot by so much later than its post needs, and what comes after it would wait behind it."""
    await watch.look_at_clock()
    await replica.reach(DUE - timedelta(seconds=10))

    await watch.look_at_clock()

    (again,) = await replica.dispatched()
    sent = replica.publisher.last()
    assert (again.post_id, sent.envelope.exchange, sent.expiration_ms) == ("post-1", EVENTS_EXCHANGE, None)
    await watch.look_at_clock()
    assert await replica.dispatched() == []


async def test_where_the_clock_is_set_back_what_rests_comes_early_and_the_wheel_turns_first(
    replica: Replica, watch: WheelWatch
) -> None:
    await watch.look_at_clock()
    replica.clock.advance(timedelta(seconds=-45))

    await watch.look_at_clock()

    assert not replica.publisher.may_delay
    await replica.reach(DUE - UNDELAYED_HORIZON)
    assert await replica.dispatched() == []


async def test_a_clock_that_is_set_by_less_than_the_lead_changes_nothing(replica: Replica, watch: WheelWatch) -> None:
    await watch.look_at_clock()
    replica.clock.advance(LEAD / 2)

    await watch.look_at_clock()

    assert replica.publisher.may_delay
    assert await replica.dispatched() == []


def has_left(watch: WheelWatch) -> None:
    """So much time has passed that what rests should have left by now."""
    now = asyncio.get_running_loop().time()
    left = {slot: [replace(one, leaves_at=now) for one in resting] for slot, resting in watch._resting.items()}
    watch._resting = defaultdict(list, left)
