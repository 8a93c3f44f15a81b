"""A publisher that is frozen while networks answer it: their replies lie in its sockets when it wakes."""

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.events.requests import ScheduleRequested, Target
from tests.nodes import Broker
from tests.support.system import in_seconds, running_system
from tests.support.waiting import eventually, until

POSTS = 20
ANSWERS_AFTER = 2.0
SEND_TIMEOUT = timedelta(seconds=6)
IMPATIENT = {
    "TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS": str(SEND_TIMEOUT.total_seconds()),
    "TIMEBALL_PUBLISHER_LEASE_SECONDS": "60",
}


async def test_a_reply_that_came_while_the_publisher_was_frozen_counts(broker_node: Broker, tmp_path: Path) -> None:
    async with running_system(tmp_path, broker_node, "scheduler", "publisher", env=IMPATIENT) as running:
        _, publisher = running.processes
        await running.connect("plain", answers_lookups=False)
        running.sink.slow = lambda _: ANSWERS_AFTER
        names, due_at = [f"frozen-{number}" for number in range(POSTS)], in_seconds(3)
        for name in names:
            target = Target(account_id="plain")
            await running.bus.emit(ScheduleRequested(post_id=name, content="x", publish_at=due_at, targets=(target,)))

        await eventually(lambda: len(running.sink.ledger) == POSTS, what="the network has every post")
        publisher.process.send_signal(signal.SIGSTOP)
        frozen_at = datetime.now(UTC)
        await eventually(lambda: len(running.sink.answered) == POSTS, what="it has answered every post")
        await until(frozen_at + 2 * SEND_TIMEOUT)
        publisher.process.send_signal(signal.SIGCONT)

        outcomes = [await running.bus.outcome(name) for name in names]
        assert {(one.type, one.body["attempts"]) for one in outcomes} == {("publish.succeeded", 1)}
        assert set(running.sink.appearances().values()) == {1}
