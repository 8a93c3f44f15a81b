"""The map of the scheduler leads somewhere: what its queues get, its handlers take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.scheduler.app import BATCHES, OUTCOMES, REQUESTS, TIMERS, subscribe
from services.scheduler.handlers import Handlers
from services.scheduler.timers.ticking import Ticker
from shared.events import EVENTS, Event
from shared.messaging.topology import Queue
from tests.fakes.clock import FakeClock
from tests.support.schedules import NOON


@dataclass
class Listed:
    """A consumer that only writes down what was subscribed."""

    taken: dict[str, set[str]] = field(default_factory=dict)

    def subscribe(self, queue: Queue, handlers: Mapping[type[Event], Any], **_: Any) -> None:
        self.taken[queue.name] = {event.type for event in handlers}


@pytest.mark.parametrize("queue", [REQUESTS, BATCHES, OUTCOMES, TIMERS], ids=lambda queue: queue.name)
def test_whatever_a_queue_gets_has_a_handler(queue: Queue) -> None:
    listed = Listed()

    clock = FakeClock(NOON)
    subscribe(listed, Handlers(None, clock), Ticker(None, clock, ()))  # type: ignore[arg-type]

    assert listed.taken[queue.name] == set(queue.bindings)
    assert set(queue.bindings) <= set(EVENTS)


def test_no_event_goes_to_two_queues() -> None:
    bindings = [*REQUESTS.bindings, *BATCHES.bindings, *OUTCOMES.bindings, *TIMERS.bindings]

    assert len(bindings) == len(set(bindings))
