"""Whoever waits for answers gets them, and the events of others are kept out while nobody waits."""

import asyncio
from datetime import timedelta

import pytest

from services.console.requests.awaited_answers import AwaitedAnswers
from services.console.streaming.listening import Closed
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


async def test_a_requester_gets_only_the_answers() -> None:
    awaited_answers = AwaitedAnswers()
    async with awaited_answers.answers_to("mine") as listener:
        await awaited_answers.on_event(delivered(TRIGGER, "another's"))
        await awaited_answers.on_event(delivered(DISCONNECT, "mine"))

        assert (await listener.next()).event == DISCONNECT


async def test_stopping_lets_everyone_go() -> None:
    awaited_answers = AwaitedAnswers()
    async with awaited_answers.answers_to("c") as waiting:
        awaited_answers.close()

        with pytest.raises(Closed):
            await waiting.next()


async def test_events_are_let_in_for_the_first_who_waits_and_kept_out_after_the_last() -> None:
    awaited_answers, gate = AwaitedAnswers(idle=timedelta(milliseconds=1)), FakeGate()
    awaited_answers.attach(gate)
    async with awaited_answers.answers_to("c"), awaited_answers.answers_to("d"):
        assert gate.turns == ["open"]
    gate.turned.clear()
    resting = asyncio.create_task(awaited_answers.close_when_unused())

    await asyncio.wait_for(gate.turned.wait(), PATIENCE)

    assert gate.turns == ["open", "close"]
    resting.cancel()


async def test_a_requester_whose_answers_cannot_arrive_is_told() -> None:
    awaited_answers, gate = AwaitedAnswers(), FakeGate()
    awaited_answers.attach(gate)
    gate.fails = True

    with pytest.raises(BrokerUnavailable):
        async with awaited_answers.answers_to("c"):
            raise AssertionError("nobody may ask into the void")
