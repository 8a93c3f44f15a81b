"""From a request to the post on its platform, through real processes and a real broker."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from shared.events.requests import LocalTime, ScheduleCancelRequested, ScheduleRequested, Target
from tests.nodes import Broker
from tests.support.standard_webhooks import verify
from tests.support.system import SECRET, System, in_seconds, running_system
from tests.support.waiting import LATE, until, with_time_enough

BERLIN = ZoneInfo("Europe/Berlin")
AHEAD = 3
"""Seconds before its instant when a post is not with the publisher yet."""


@dataclass(frozen=True)
class Asked:
    """What was asked for long enough before its instant: one post as it is, one edited, one cancelled."""

    kept: str
    edited: str
    cancelled: str
    due_at: datetime
    correlation_id: str | None


async def asked_in_time(running: System, lead: float) -> Asked | None:
    """None where the machine was too slow to take the requests, or the cancellation, before the instant."""
    bus, due_at = running.bus, in_seconds(lead)
    kept, edited, cancelled = (f"{name}-{lead:g}" for name in ("kept", "edited", "cancelled"))
    local = LocalTime(local=due_at.astimezone(BERLIN).replace(tzinfo=None).isoformat(), zone="Europe/Berlin")
    targets = (Target(account_id="hook"), Target(account_id="plain", publish_at=local, content="in Berlin"))
    request = ScheduleRequested(post_id=kept, content="The ball drops.", publish_at=due_at, targets=targets)
    envelope = await bus.emit(request, times=2)
    await bus.emit(request.model_copy(update={"post_id": cancelled}))
    replaced = request.model_copy(update={"post_id": edited, "targets": (Target(account_id="hook"),)})
    await bus.emit(replaced)
    await bus.emit(replaced.model_copy(update={"content": "A second thought."}))
    await bus.fact("schedule.accepted", post_id=edited, revision=2)
    is_in_time = in_seconds(AHEAD) < due_at
    await until(due_at - timedelta(seconds=lead / 6))
    await bus.emit(ScheduleCancelRequested(post_id=cancelled))
    for number in (1, 2):
        answer = await bus.fact(("schedule.cancelled", "schedule.rejected"), post_id=cancelled, count=number)
        if answer.type == "schedule.rejected":
            return None
    return Asked(kept, edited, cancelled, due_at, envelope.correlation_id) if is_in_time else None


async def test_a_post_is_published_at_its_moment_once(broker_node: Broker, tmp_path: Path) -> None:
    async with running_system(tmp_path, broker_node, "scheduler", "publisher") as running:
        bus, sink = running.bus, running.sink
        await running.connect("hook", "webhook", credentials={"secret": SECRET})
        await running.connect("plain")

        asked = await with_time_enough(partial(asked_in_time, running), lead=6)
        await bus.emit(ScheduleRequested(post_id="now", content="at once", targets=(Target(account_id="plain"),)))

        for account_id in ("hook", "plain"):
            accepted = await bus.fact("schedule.accepted", post_id=asked.kept, account_id=account_id)
            succeeded = await bus.fact("publish.succeeded", post_id=asked.kept, account_id=account_id)
            assert accepted.body["publish_at"] == succeeded_at(asked.due_at.isoformat())
            assert timedelta(0) <= timedelta(milliseconds=succeeded.body["lateness_ms"]) < LATE
            assert accepted.correlation_id == succeeded.correlation_id == asked.correlation_id
            await bus.fact("schedule.cancelled", post_id=asked.cancelled, account_id=account_id)
        assert (await bus.fact("publish.succeeded", post_id=asked.edited)).body["revision"] == 2
        assert (await bus.outcome("now")).type == "publish.succeeded"

        signed, plain = sorted(sink.requests(asked.kept), key=lambda request: request.path)
        verify(SECRET, signed.headers, signed.body, now=signed.at)
        assert b"The ball drops." in signed.body
        assert b"in Berlin" in plain.body
        assert all(asked.due_at <= sent.at < asked.due_at + LATE for sent in (signed, plain))
        assert sink.requests(asked.cancelled) == []
        assert [b"A second thought." in sent.body for sent in sink.requests(asked.edited)] == [True]


def succeeded_at(instant: str) -> str:
    """An instant as events carry it."""
    return instant.replace("+00:00", "Z")
