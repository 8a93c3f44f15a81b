"""A publisher that is told to stop finishes what it is sending, and leaves what waits to the next one."""

from pathlib import Path

from tests.nodes import Broker
from tests.support.system import a_request, in_seconds, system
from tests.support.waiting import LATE, eventually

WAITING = [f"waiting-{number}" for number in range(5)]
IN_FLIGHT = [f"in-flight-{number}" for number in range(5)]
SLOW_SECONDS = 3.0


async def test_a_stopping_publisher_finishes_its_sends_and_hands_back_what_waits(
    broker_node: Broker, tmp_path: Path
) -> None:
    async with system(tmp_path, broker_node) as running:
        bus, sink = running.bus, running.sink
        sink.slow = lambda request: SLOW_SECONDS if request.post_id in IN_FLIGHT else 0.0
        first = await running.start("publisher")
        await running.connect("plain")
        due_at = in_seconds(11)
        for post_id in WAITING:
            await bus.emit(a_request(post_id, publish_at=due_at))
        for post_id in IN_FLIGHT:
            await bus.emit(a_request(post_id, due_in=0))
        await eventually(lambda: len(sink.ledger) == len(IN_FLIGHT), what="every send is in flight")
        assert await bus.depth("publisher.requests") == 0

        code = await first.stop()
        handed_back = await bus.depth("publisher.requests")
        await running.start("publisher")
        ready_at = in_seconds(0)
        outcomes = {post_id: await bus.outcome(post_id) for post_id in IN_FLIGHT + WAITING}

    assert code == 0
    assert handed_back == len(WAITING)
    assert {outcome.type for outcome in outcomes.values()} == {"publish.succeeded"}
    assert {post_id: len(sink.requests(post_id)) for post_id in outcomes} == dict.fromkeys(outcomes, 1)
    assert all(sink.requests(post_id)[0].at - max(due_at, ready_at) < LATE for post_id in WAITING)
    assert all(outcomes[post_id].body["attempts"] == 1 for post_id in WAITING)


async def test_a_publisher_stopped_before_its_broker_answers_ends_all_the_same(
    broker_node: Broker, tmp_path: Path
) -> None:
    async with system(tmp_path, broker_node) as running:
        nobody = {"TIMEBALL_BROKER_URL": "amqp://guest:guest@127.0.0.1:1/"}
        lonely = await running.start("publisher", ready=False, env=nobody)
        await eventually(lambda: "not ready" in str(lonely.problems()), what="it runs without being ready")

        code = await lonely.stop()

    assert code == 0
