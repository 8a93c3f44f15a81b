"""Whether the broker is there: known at once where a connection broke off, and found out where it hangs."""

import asyncio

import pytest

from services.console.streaming import broker_watch
from services.console.streaming.broker_watch import BrokerWatch
from shared.messaging.broker import BrokerUnavailable


class Publishing:
    """A publishing connection, in whatever state a test wants."""

    def __init__(self) -> None:
        self.trouble: str | None = None
        self.refuses = False
        self.hangs = False

    async def try_publishing(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.refuses:
            raise BrokerUnavailable("an alarm for memory")


class Consuming:
    """What keeps the console from hearing anything."""

    problem: str | None = None

    async def __call__(self) -> str | None:
        return self.problem


async def test_a_connection_that_broke_off_is_known_without_a_look() -> None:
    publishing = Publishing()
    watch = BrokerWatch(publishing, Consuming())
    assert watch.trouble is None

    publishing.trouble = "connection refused"

    assert watch.trouble == "connection refused"


async def test_a_broker_that_takes_nothing_or_a_consumer_that_is_lost_is_found_and_found_well_again() -> None:
    publishing, consuming = Publishing(), Consuming()
    watch = BrokerWatch(publishing, consuming)

    publishing.refuses = True
    await watch.look()
    assert watch.trouble == "an alarm for memory"

    consuming.problem = "console.projector is not being consumed"
    await watch.look()
    assert watch.trouble == "console.projector is not being consumed"

    publishing.refuses, consuming.problem = False, None
    await watch.look()
    assert watch.trouble is None


async def test_what_was_found_stands_while_it_is_looked_again() -> None:
    """Whoever follows the stream would be told each time that all is well."""
    publishing = Publishing()
    watch = BrokerWatch(publishing, Consuming())
    publishing.refuses = True
    await watch.look()
    publishing.hangs = True

    looking = asyncio.create_task(watch.look())
    await asyncio.sleep(0)
    assert not looking.done()

    assert watch.trouble == "an alarm for memory"
    looking.cancel()


async def test_a_broker_that_hangs_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_watch, "ANSWER_SECONDS", 0.01)
    publishing = Publishing()
    publishing.hangs = True
    watch = BrokerWatch(publishing, Consuming())

    await watch.look()

    assert watch.trouble == "the broker has not answered for 0.01 s"
