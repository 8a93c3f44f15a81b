"""Each listener gets the live events that it wants, and is let go when it cannot keep up."""

import asyncio
from datetime import timedelta

import pytest

from services.console.live_events import MOST_BEHIND, Closed, LiveEvents, TooSlow
from shared.events import Event
from shared.events.requests import AccountDisconnectRequested, TimerTriggerRequested
from shared.messaging.broker import BrokerUnavailable
from shared.messaging.envelope import Delivery
from tests.support.waiting import PATIENCE


class FakeGate:
    """Counts how often it is turned; `fails` as a broker that is away does."""

    def __init__(self) -> None:
        self.turns: list[str] = []
        self.fails = False
        self.turned = asyncio.Event()

    async def open(self) -> None:
        self._turn("open")

    async def close(self) -> None:
        self._turn("close")

    def _turn(self, what: str) -> None:
        if self.fails:
            raise BrokerUnavailable("away")
        self.turns.append(what)
        self.turned.set()


def delivered(event: Event, correlation_id: str = "c") -> Delivery[Event]:
    return Delivery(event, "m", correlation_id)


TRIGGER = TimerTriggerRequested(timer="monitor.check")
DISCONNECT = AccountDisconnectRequested(account_id="a")


async def test_a_listener_gets_what_interests_it() -> None:
    live_events = LiveEvents()
    async with live_events.listening(lambda delivery: delivery.event.type == "timer.trigger_requested") as listener:
        await live_events.on_event(delivered(DISCONNECT))
        await live_events.on_event(delivered(TRIGGER))

        assert (await listener.next()).event == TRIGGER


async def test_a_requester_gets_only_the_answers() -> None:
    live_events = LiveEvents()
    async with live_events.answers_to("mine") as listener:
        await live_events.on_event(delivered(TRIGGER, "another's"))
        await live_events.on_event(delivered(DISCONNECT, "mine"))

        assert (await listener.next()).event == DISCONNECT


async def test_a_slow_listener_is_let_go_after_what_it_has_missed_nothing_of() -> None:
    live_events = LiveEvents()
    async with live_events.listening(lambda _: True) as listener:
        for _ in range(MOST_BEHIND + 10):
            await live_events.on_event(delivered(TRIGGER))

        for _ in range(MOST_BEHIND):
            await listener.next()
        with pytest.raises(TooSlow):
            await listener.next()


async def test_stopping_lets_everyone_go() -> None:
    live_events = LiveEvents()
    async with live_events.listening(lambda _: True) as listener, live_events.answers_to("c") as waiting:
        live_events.close()

        for one in (listener, waiting):
            with pytest.raises(Closed):
                await one.next()


async def test_events_are_let_in_for_the_first_listener_and_kept_out_after_the_last() -> None:
    live_events, gate = LiveEvents(idle=timedelta(milliseconds=1)), FakeGate()
    live_events.attach(gate)
    async with live_events.listening(lambda _: True), live_events.answers_to("c"):
        assert gate.turns == ["open"]
    gate.turned.clear()
    resting = asyncio.create_task(live_events.close_when_unused())

    await asyncio.wait_for(gate.turned.wait(), PATIENCE)

    assert gate.turns == ["open", "close"]
    resting.cancel()


async def test_a_requester_whose_answers_cannot_arrive_is_told() -> None:
    live_events, gate = LiveEvents(), FakeGate()
    live_events.attach(gate)
    gate.fails = True

    with pytest.raises(BrokerUnavailable):
        async with live_events.answers_to("c"):
            raise AssertionError("nobody may ask into the void")
