"""From a request to the post on its platform, through real processes and a real broker."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from shared.events.requests import LocalTime, ScheduleCancelRequested, ScheduleRequested, Target
from tests.nodes import Broker
from tests.support.standard_webhooks import verify
from tests.support.system import SECRET, in_seconds, started, system
from tests.support.waiting import LATE, until

BERLIN = ZoneInfo("Europe/Berlin")


async def test_a_post_is_published_at_its_moment_once(broker_node: Broker, tmp_path: Path) -> None:
    async with system(tmp_path, broker_node) as running:
        bus, sink = running.bus, running.sink
        await started(running, "scheduler", "publisher")
        await running.connect("hook", "webhook", credentials={"secret": SECRET})
        await running.connect("plain")
        due_at = in_seconds(6)
        local = LocalTime(local=due_at.astimezone(BERLIN).replace(tzinfo=None).isoformat(), zone="Europe/Berlin")
        targets = (Target(account_id="hook"), Target(account_id="plain", publish_at=local, content="in Berlin"))

        request = ScheduleRequested(post_id="noon", content="The ball drops.", publish_at=due_at, targets=targets)
        asked = await bus.emit(request, times=2)
        await bus.emit(ScheduleRequested(post_id="now", content="at once", targets=(Target(account_id="plain"),)))
        doomed = request.model_copy(update={"post_id": "cancelled"})
        await bus.emit(doomed)
        replaced = request.model_copy(update={"post_id": "replaced", "targets": (Target(account_id="hook"),)})
        await bus.emit(replaced)
        await bus.emit(replaced.model_copy(update={"content": "A second thought."}))
        await until(due_at - timedelta(seconds=1))
        await bus.emit(ScheduleCancelRequested(post_id="cancelled"))

        for account_id in ("hook", "plain"):
            accepted = await bus.fact("schedule.accepted", post_id="noon", account_id=account_id)
            succeeded = await bus.fact("publish.succeeded", post_id="noon", account_id=account_id)
            assert accepted.body["publish_at"] == succeeded_at(due_at.isoformat())
            assert timedelta(0) <= timedelta(milliseconds=succeeded.body["lateness_ms"]) < LATE
            assert accepted.correlation_id == succeeded.correlation_id == asked.correlation_id
            await bus.fact("schedule.cancelled", post_id="cancelled", account_id=account_id)
        assert (await bus.fact("publish.succeeded", post_id="replaced")).body["revision"] == 2
        assert (await bus.outcome("now")).type == "publish.succeeded"

        signed, plain = sorted(sink.requests("noon"), key=lambda request: request.path)
        verify(SECRET, signed.headers, signed.body, now=signed.at)
        assert b"The ball drops." in signed.body
        assert b"in Berlin" in plain.body
        assert all(due_at <= sent.at < due_at + LATE for sent in (signed, plain))
        assert sink.requests("cancelled") == []
        assert [b"A second thought." in sent.body for sent in sink.requests("replaced")] == [True]


def succeeded_at(instant: str) -> str:
    """An instant as events carry it."""
    return instant.replace("+00:00", "Z")
