"""The scheduler as a process of its own, at a real broker, on both databases: what it answers and what it dispatches.

The scenarios are independent and mostly wait, so one process serves them all side by side.
"""

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import aio_pika
import pytest
import pytest_asyncio
from aio_pika import DeliveryMode
from aio_pika.abc import AbstractIncomingMessage
from sqlalchemy import insert

from deploy.local.postgres_node import PostgresNode
from services.scheduler.release import MEDIA_LEAD, TOGETHER
from services.scheduler.tables import outbox
from shared.database.engine import Database
from shared.events import Event
from shared.events.publisher import AccountConnected, AccountDisconnected, PublishSkipped, PublishSucceeded
from shared.events.requests import (
    ScheduleBatchRequested,
    ScheduleCancelRequested,
    ScheduleRequested,
    TimerTriggerRequested,
)
from shared.messaging.topology import DELAYED_EXCHANGE
from tests.nodes import Broker
from tests.support.bus import Bus, Fact
from tests.support.processes import Process, environment
from tests.support.side_by_side import Trials, side_by_side
from tests.support.vhosts import vhosts_of
from tests.support.waiting import LATE, PATIENCE, eventually, with_time_enough

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECOND = timedelta(seconds=1)
Arrival = tuple[datetime, AbstractIncomingMessage]
"""A message, and when it came."""


@dataclass
class World:
    """A running scheduler, and someone who takes the place of the publisher."""

    bus: Bus
    process: Process
    database_url: str
    env: Mapping[str, str]
    requested: list[Arrival] = field(default_factory=list)
    _by_revision: defaultdict[tuple[str, int], list[Arrival]] = field(default_factory=lambda: defaultdict(list))

    async def ask(self, request: Event, answer: str, **fields: Any) -> Fact:
        """Emit a request; its answer of this type, found by the correlation that begins with the request."""
        envelope = await self.bus.emit(request)
        await eventually(lambda: self._answers(envelope.message_id, answer, fields), what=f"{answer} {fields}")
        return self._answers(envelope.message_id, answer, fields)[0]

    def _answers(self, correlation_id: str, type_: str, fields: dict[str, Any]) -> list[Fact]:
        return [fact for fact in self.bus.heard(type_, **fields) if fact.correlation_id == correlation_id]

    def told(self, type_: str, post_id: str) -> list[dict[str, Any]]:
        """The facts of a type about a post."""
        return [fact.body for fact in self.bus.heard(type_, post_id=post_id)]

    async def dispatched(self, post_id: str, *, revision: int = 1) -> Arrival:
        """When and how the request to publish a revision arrived at the publisher."""
        arrived = self._by_revision[post_id, revision]
        await eventually(lambda: arrived, what=f"{post_id} is dispatched")
        return arrived[0]

    async def take(self, message: AbstractIncomingMessage) -> None:
        """What the publisher's queue would take."""
        arrival, body = (datetime.now(UTC), message), json.loads(message.body)
        self.requested.append(arrival)
        self._by_revision[body["post_id"], body["revision"]].append(arrival)
        await message.ack()


Scenario = Callable[[World], Awaitable[None]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(promise: Scenario) -> Scenario:
    """A promise that is tried side by side with the others."""
    SCENARIOS[promise.__name__] = promise
    return promise


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgres"])
async def world(
    request: pytest.FixtureRequest, broker_node: Broker, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """A scheduler on either database, and every event in an ear."""
    folder = tmp_path_factory.mktemp("scheduler")
    url = f"sqlite+aiosqlite:///{folder}/scheduler.db"
    if request.param == "postgres":
        node: PostgresNode = request.getfixturevalue("postgres_node")
        url = node.create_database(f"scheduler_{uuid4().hex[:12]}")
    async with AsyncExitStack() as stack:
        lent = stack.enter_context(vhosts_of(broker_node).lent("scheduler"))
        broker_url = lent.url
        bus = await stack.enter_async_context(Bus.connected(broker_url))
        env = environment(folder / "home", broker_url, scheduler=url)
        process = Process.of("scheduler", env, folder)
        running = World(bus, process, url, env)
        connection = await stack.enter_async_context(await aio_pika.connect(broker_url))
        queue = await (await connection.channel()).declare_queue("publisher.stand-in", exclusive=True)
        await queue.bind("timeball.events", "publish.requested")
        await queue.consume(running.take)
        stack.push_async_callback(process.kill)
        await process.start()
        await process.ready()
        lent.declared()
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def trials(world: World) -> AsyncIterator[Trials]:
    """Every scenario, under way."""
    async with side_by_side(SCENARIOS, world) as trials:
        yield trials


def now() -> datetime:
    return datetime.now(UTC)


def in_seconds(seconds: float) -> datetime:
    """The instant so long from now, to the millisecond."""
    instant = now() + timedelta(seconds=seconds)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def post(post_id: str, *account_ids: str, due_in: float | None = 3600, **more: Any) -> ScheduleRequested:
    """A request for these accounts (plain), due in so many seconds (None: now)."""
    due = {} if due_in is None else {"publish_at": in_seconds(due_in)}
    targets = [{"account_id": account_id} for account_id in account_ids or ("plain",)]
    body = {"post_id": post_id, "content": "The ball drops.", "targets": targets} | due | more
    return ScheduleRequested.model_validate(body, strict=False)


@scenario
async def a_post_is_accepted_with_its_instant(world: World) -> None:
    request = post("accepted", content="Accepted.")

    answer = await world.ask(request, "schedule.accepted")

    assert answer.body["revision"] == 1
    assert answer.body["changed"] is True
    assert datetime.fromisoformat(answer.body["publish_at"]) == request.publish_at
    assert answer.body["warning"] == "unknown_account"


@scenario
async def a_local_time_is_accepted_as_its_instant(world: World) -> None:
    local = {"local": "2099-03-29T02:30", "zone": "Europe/Berlin"}

    answer = await world.ask(post("local", publish_at=local), "schedule.accepted")

    assert answer.body["publish_at"] == "2099-03-29T01:00:00Z"


@scenario
async def the_same_again_is_the_same_revision_and_a_change_the_next(world: World) -> None:
    request = post("again")

    answers = [await world.ask(one, "schedule.accepted") for one in (request, request, post("again", content="New."))]

    assert [(one.body["revision"], one.body["changed"]) for one in answers] == [(1, True), (1, False), (2, True)]


@scenario
async def a_cancelled_post_is_cancelled_on_each_account(world: World) -> None:
    await world.ask(post("cancelled", "a", "b"), "schedule.accepted", account_id="b")

    await world.ask(ScheduleCancelRequested(post_id="cancelled"), "schedule.cancelled", account_id="b")

    facts = sorted(
        (one["account_id"], one["revision"], one["reason"]) for one in world.told("schedule.cancelled", "cancelled")
    )
    assert facts == [("a", 2, "requested"), ("b", 2, "requested")]


REFUSED: dict[str, tuple[Event, str, str]] = {
    "in the past": (post("in the past", due_in=-61), "in_the_past", "choose a time to come"),
    "blank": (post("blank", content=" \n"), "invalid", "neither text nor media"),
    "nowhere": (
        post("nowhere", publish_at={"local": "2099-01-01T00:00", "zone": "Europe"}),
        "invalid",
        "unknown time zone",
    ),
    "no such day": (
        post("no such day", publish_at={"local": "2099-02-30T00:00", "zone": "UTC"}),
        "invalid",
        "no such time",
    ),
    "unheard of": (ScheduleCancelRequested(post_id="unheard of"), "not_found", "is not scheduled"),
}


@scenario
async def what_cannot_be_done_is_rejected_with_a_code_and_a_reason(world: World) -> None:
    for post_id, (request, code, reason) in REFUSED.items():
        answer = await world.ask(request, "schedule.rejected", post_id=post_id)

        assert answer.body["code"] == code
        assert reason in answer.body["reason"]


@scenario
async def an_account_is_known_from_its_events(world: World) -> None:
    news: dict[str, Any] = {"account_id": "known", "platform": "sandbox"}
    await world.bus.emit(AccountConnected(**news, changed_at=now() - timedelta(hours=1)))
    await eventually(lambda: _has_no_warning(world), every=0.2)
    await world.bus.emit(AccountDisconnected(**news, changed_at=now()))

    await eventually(lambda: _is_refused(world), every=0.2)


async def _has_no_warning(world: World) -> bool:
    answer = await world.ask(post(uuid4().hex, "known", content=uuid4().hex), "schedule.accepted")
    return "warning" not in answer.body


async def _is_refused(world: World) -> bool:
    request = post(uuid4().hex, "known")
    envelope = await world.bus.emit(request)
    answer = await world.bus.fact(("schedule.accepted", "schedule.rejected"), post_id=request.post_id)
    assert answer.correlation_id == envelope.message_id
    return answer.body.get("code") == "unknown_account"


@scenario
async def a_published_post_is_not_scheduled_again(world: World) -> None:
    await world.ask(post("sent", due_in=None), "schedule.accepted")
    await world.dispatched("sent")
    outcome = {"post_id": "sent", "account_id": "plain", "revision": 1, "platform": "x", "published_at": now()}
    await world.bus.emit(PublishSucceeded.model_validate(outcome | {"lateness_ms": 0.5, "attempts": 1}), times=2)

    async def is_rejected() -> bool:
        request = post("sent", content=uuid4().hex)
        await world.bus.emit(request)
        return bool(world.told("schedule.rejected", "sent"))

    await eventually(is_rejected, every=0.3)
    assert {one["code"] for one in world.told("schedule.rejected", "sent")} == {"already_published"}


@scenario
async def a_batch_is_settled_in_one_answer(world: World) -> None:
    good = [json.loads(post(f"batch-{number}", "a", "b").body()) for number in range(50)]
    bad: list[Any] = [{"post_id": "bad"}, "no post", json.loads(post("late", due_in=-3600).body())]

    answer = await world.ask(
        ScheduleBatchRequested(batch_id="b-1", posts=tuple(good + bad)), "schedule.batch_settled", batch_id="b-1"
    )

    accepted = {(one["post_id"], one["account_id"], one["revision"]) for one in answer.body["accepted"]}
    assert accepted == {(f"batch-{number}", account, 1) for number in range(50) for account in "ab"}
    assert Counter((one["post_id"], one["code"]) for one in answer.body["rejected"]) == {
        ("bad", "invalid"): 1, ("null", "invalid"): 1, ("late", "in_the_past"): 1,
    }  # fmt: skip
    assert world.told("schedule.accepted", "batch-0") == []


@scenario
async def a_post_for_now_is_dispatched_at_once(world: World) -> None:
    await world.bus.emit(post("at once", due_in=None))
    _, message = await world.dispatched("at once")

    assert "x-death" not in message.headers


@scenario
async def a_dispatched_post_arrives_its_lead_before_it_is_due_as_the_contract_says(world: World) -> None:
    media = [{"url": "https://cdn.example/a.jpg", "alt": "A red ball"}]
    targets = [{"account_id": "plain", "options": {"visibility": "unlisted"}}]

    async def delayed(lead: float) -> tuple[ScheduleRequested, str, datetime, AbstractIncomingMessage] | None:
        """None where it was asked for so late that there was nothing left to delay."""
        request = post(f"on time {lead:g}", due_in=lead, content="Grüße 👋", media=media, targets=targets)
        envelope = await world.bus.emit(request)
        at, message = await world.dispatched(request.post_id)
        return (request, envelope.message_id, at, message) if "x-death" in message.headers else None

    request, message_id, at, message = await with_time_enough(delayed, lead=24)
    assert isinstance(request.publish_at, datetime)
    release_at = request.publish_at - MEDIA_LEAD
    assert at > release_at - TOGETHER - SECOND / 50
    assert -SECOND <= released_at(message) - release_at < LATE
    assert (message.content_type, message.type, message.app_id) == (
        "application/json",
        "publish.requested",
        "scheduler",
    )
    assert (message.delivery_mode, message.routing_key) == (DeliveryMode.PERSISTENT, "publish.requested")
    assert message.correlation_id == message_id
    assert message.headers["x-first-death-exchange"] == DELAYED_EXCHANGE
    body = json.loads(message.body)
    assert (body["content"], body["media"], body["options"]) == ("Grüße 👋", media, {"visibility": "unlisted"})
    assert (body["revision"], body["attempt"], body["swept"]) == (1, 1, False)
    assert datetime.fromisoformat(body["publish_at"]) == request.publish_at
    assert body["late_policy"] == {"mode": "publish", "grace_seconds": 3600}


@scenario
async def a_burst_arrives_before_it_is_due_each_post_once(world: World) -> None:
    """At most so many messages leave the wheel in a second, the others in the seconds before."""
    arrived = await with_time_enough(partial(_burst_in_time, world), lead=25)

    targets = [(body["post_id"], body["account_id"]) for body in (json.loads(one.body) for one in arrived)]
    assert set(Counter(targets).values()) == {1}


async def _burst_in_time(world: World, lead: float) -> list[AbstractIncomingMessage] | None:
    """What arrived; None where the machine was too slow to hand everything to the broker before it was due."""
    due = in_seconds(lead)
    for number in range(15):
        name = f"burst-{lead:g}-{number}"
        await world.bus.emit(post(name, *(f"a-{n}" for n in range(100)), publish_at=due))
    mark = f'"burst-{lead:g}-'.encode()

    def arrived() -> list[AbstractIncomingMessage]:
        return [message for _, message in world.requested if mark in message.body]

    await eventually(lambda: len(arrived()) >= 1500, what="the burst has arrived", within=lead + PATIENCE)
    is_in_time = all("x-death" in message.headers and released_at(message) < due for message in arrived())
    return arrived() if is_in_time else None


def released_at(message: AbstractIncomingMessage) -> datetime:
    """When the broker let the message go, to the second; however long a busy test takes to hear of it."""
    deaths: Any = message.headers["x-death"]
    at: datetime = deaths[0]["time"]
    return at.replace(tzinfo=UTC)


@scenario
async def an_edit_of_what_is_with_the_broker_is_answered_when_the_publisher_has_taken_it_back(world: World) -> None:
    await world.ask(post("replaced", due_in=6), "schedule.accepted")
    await asyncio.wait_for(_until_with_the_broker(world, "replaced"), PATIENCE)

    edit = await world.bus.emit(post("replaced", due_in=7, content="New."))
    asked = await world.bus.fact("publish.withdraw_requested", post_id="replaced")
    assert (asked.body["revision"], asked.body["reason"]) == (1, "superseded")
    assert [one["revision"] for one in world.told("schedule.accepted", "replaced")] == [1]
    await world.bus.emit(PublishSkipped(post_id="replaced", account_id="plain", revision=1, reason="superseded"))
    answer = await world.bus.fact("schedule.accepted", post_id="replaced", revision=2)
    _, message = await world.dispatched("replaced", revision=2)

    assert answer.correlation_id == asked.correlation_id == edit.message_id
    assert json.loads(message.body)["content"] == "New."
    superseded = await world.bus.fact("schedule.superseded", post_id="replaced")
    assert (superseded.body["revision"], superseded.body["by"]) == (1, 2)
    assert world.told("schedule.cancelled", "replaced") == []


@scenario
async def a_cancellation_that_comes_after_the_post_is_rejected(world: World) -> None:
    await world.ask(post("too late", due_in=6), "schedule.accepted")
    await asyncio.wait_for(_until_with_the_broker(world, "too late"), PATIENCE)

    await world.bus.emit(ScheduleCancelRequested(post_id="too late"))
    await world.bus.fact("publish.withdraw_requested", post_id="too late", reason="cancelled")
    await world.bus.emit(
        PublishSucceeded(
            post_id="too late",
            account_id="plain",
            revision=1,
            platform="x",
            published_at=now(),
            lateness_ms=0,
            attempts=1,
        )
    )
    rejected = await world.bus.fact("schedule.rejected", post_id="too late")

    assert rejected.body["code"] == "already_published"
    assert world.told("schedule.cancelled", "too late") == []


async def _until_with_the_broker(world: World, post_id: str) -> None:
    """Return once the dispatcher, which looks every second, has had its look."""
    database = Database(world.database_url)

    async def is_dispatched() -> bool:
        async with database.reading() as connection:
            found = await connection.exec_driver_sql(f"SELECT state FROM schedules WHERE post_id = '{post_id}'")
            return bool(found.scalar_one() == "dispatched")

    await eventually(is_dispatched, every=0.1)
    await database.close()


@scenario
async def requests_delivered_twice_and_shuffled_lead_to_the_same_end(world: World) -> None:
    """Every message arrives twice, under its id, in any order: each is taken once, and each post ends in one state."""
    posts = [f"shuffled-{number}" for number in range(20)]
    envelopes = [await _prepared(post(post_id)) for post_id in posts] * 2
    random.shuffle(envelopes)

    for message in envelopes:
        await world.bus.publish(message, "schedule.requested")
    await asyncio.gather(*(world.bus.fact("schedule.accepted", post_id=post_id) for post_id in posts))
    await world.ask(post("after the shuffled"), "schedule.accepted")

    assert [[one["revision"] for one in world.told("schedule.accepted", post_id)] for post_id in posts] == [[1]] * 20


async def _prepared(request: ScheduleRequested) -> aio_pika.Message:
    return aio_pika.Message(request.body(), message_id=uuid4().hex, type=request.type)


@scenario
async def versions_sent_one_after_another_end_at_the_last(world: World) -> None:
    for number in range(50):
        await world.bus.emit(post("versions", content=f"version {number}"))

    last = await world.bus.fact("schedule.accepted", post_id="versions", count=50)
    same = await world.ask(
        post("versions", publish_at=last.body["publish_at"], content="version 49"), "schedule.accepted"
    )

    assert [one["revision"] for one in world.told("schedule.accepted", "versions")[:50]] == list(range(1, 51))
    assert same.body["revision"] in (50, 51)


NONSENSE: dict[str, tuple[bytes, str, str]] = {
    "no JSON": (b"\xff\x00", "schedule.requested", "Invalid JSON"),
    "no post": (b'{"content": "x"}', "schedule.requested", "post_id: this field is required"),
    "no batch": (b"[]", "schedule.batch_requested", "Input should be an object"),
    "a version to come": (b'{"post_id": "p"}', "schedule.requested.v2", "unknown version 'schedule.requested.v2'"),
    "no timer": (
        b'{"timer": "tea.time"}',
        "timer.trigger_requested",
        "there is no timer 'tea.time' to trigger; there are analytics.aggregate, digest.send",
    ),
    "no outcome": (b'{"post_id": "p"}', "publish.succeeded", "account_id: this field is required"),
}


@scenario
async def nonsense_is_parked_with_its_reason_and_the_next_request_is_answered(world: World) -> None:
    sent = {name: await world.bus.emit_raw(body, key) for name, (body, key, _) in NONSENSE.items()}

    async def all_are_parked() -> bool:
        return await world.bus.depth("scheduler.dead") >= len(sent)

    await eventually(all_are_parked, every=0.2)
    parked = {message.message_id: message for message in await world.bus.resting_in("scheduler.dead")}
    for name, (_, _, reason) in NONSENSE.items():
        assert str(parked[sent[name]].headers["reason"]).startswith(reason), name
    await world.ask(post("after nonsense"), "schedule.accepted")


@scenario
async def a_request_with_wrong_types_is_rejected_where_its_sender_can_be_told(world: World) -> None:
    bad = json.dumps({"post_id": "wrong types", "content": 5, "targets": [{"account_id": "a"}]}).encode()

    await world.bus.emit_raw(bad, "schedule.requested", correlation_id="c-9")
    answer = await world.bus.fact("schedule.rejected", post_id="wrong types")

    assert answer.body["code"] == "invalid"
    assert answer.body["reason"] == "content: Input should be a valid string (got 5)"
    assert answer.correlation_id == "c-9"


@scenario
async def a_timer_fires_when_somebody_asks(world: World) -> None:
    began = now().replace(microsecond=0)

    fired = await world.ask(TimerTriggerRequested(timer="digest.send"), "timer.fired", timer="digest.send")

    assert (fired.body["manual"], fired.body["missed"], fired.body["cron"]) == (True, 0, "*/15 * * * *")
    assert began <= datetime.fromisoformat(fired.body["tick_at"]) <= now()


@scenario
async def what_a_dead_process_left_in_the_outbox_is_relayed(world: World) -> None:
    fact = {"message_id": uuid4().hex, "type": "schedule.cancelled", "correlation_id": "c-1", "headers": "{}"}
    body = {"post_id": "left behind", "account_id": "a", "revision": 2, "reason": "requested"}
    where = {
        "exchange": "timeball.events",
        "routing_key": "schedule.cancelled",
        "body": json.dumps(body),
        "failures": 0,
    }
    database = Database(world.database_url)
    async with database.transaction() as connection:
        row = insert(outbox).values(**fact, **where, created_at=now(), claimed_until=now())
        await connection.execute(row)
    await database.close()

    relayed = await world.bus.fact("schedule.cancelled", post_id="left behind")

    assert (relayed.message_id, relayed.correlation_id, relayed.body) == (fact["message_id"], "c-1", body)


@pytest.mark.parametrize("promise", SCENARIOS)
async def test_promise(trials: Trials, promise: str) -> None:
    await trials[promise]


async def test_a_body_of_10_mb_is_rejected_where_its_sender_can_be_told_and_else_parked(
    world: World, trials: Trials
) -> None:
    await asyncio.wait(trials.values())
    big = json.dumps({"post_id": "10 MB", "content": "x" * 10_000_000, "targets": [{"account_id": "a"}]}).encode()

    await world.bus.emit_raw(big, "schedule.requested", correlation_id="x" * 250)
    answer = await world.bus.fact("schedule.rejected", post_id="10 MB")

    assert "at most 8,388,608 are read: split it" in answer.body["reason"]
    parked = await world.bus.emit_raw(b" " * 10_000_000, "schedule.requested")

    async def is_parked() -> bool:
        return parked in {message.message_id for message in await world.bus.resting_in("scheduler.dead")}

    await eventually(is_parked, every=0.2)
    await world.ask(post("after 10 MB"), "schedule.accepted")


async def test_at_the_end_all_is_answered_relayed_and_well(world: World, trials: Trials) -> None:
    await asyncio.wait(trials.values())
    database = Database(world.database_url)

    async def outbox_is_empty() -> bool:
        async with database.reading() as connection:
            return not (await connection.exec_driver_sql("SELECT count(*) FROM outbox")).scalar_one()

    await eventually(outbox_is_empty, every=0.2)
    await database.close()
    for queue in ("scheduler.requests", "scheduler.batches", "scheduler.outcomes", "scheduler.retry.5s"):
        assert await world.bus.depth(queue) == 0
    assert await world.process.is_ready()
    assert world.process.logged("dispatch_failed") == world.process.logged("message_failed") == []
    assert await world.process.stop() == 0
