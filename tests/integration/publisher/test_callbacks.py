"""Whoever asked for a post is called back with what became of it, signed, until it is taken."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from services.publisher.callbacks.calling import CallingBack
from services.publisher.callbacks.telling import QUEUE, callback, told_and_called_back
from services.publisher.limits.circuit_breakers import CircuitBreakers
from services.publisher.platforms.base import Published
from services.publisher.platforms.webhook.signature import signing_key
from services.publisher.sending import outcomes
from services.publisher.sending.case import WAITS_FOR_ITS_TURN
from services.publisher.sending.evidence import Evidence
from services.publisher.sending.facts import failed, held, skipped, succeeded, unknown
from services.publisher.sending.recording import Recording
from services.publisher.store import Store
from services.publisher.tables import outbox
from shared.clocks.clock import Clock, SystemClock
from shared.events.base import ErrorDetail
from shared.events.callbacks import CallbackRequested
from shared.messaging.envelope import Delivery, read_event
from shared.messaging.topology import tier_within
from shared.messaging.verdict import Park, TryAgain
from shared.outbound.client import outbound_client
from tests.fakes.clock import FakeClock
from tests.fakes.sink import HANG, LOST_REPLY, Answer, Sink, refuse
from tests.support.http_peer import listening
from tests.support.publications import NOON, SECOND, a_case, a_publication, an_attempt, delivered, requested
from tests.support.standard_webhooks import verify
from tests.support.waiting import eventually

SECRET = "whsec_dGhlIGJhbGwgZHJvcHMgYXQgb25lIG8nY2xvY2s="
URL = "https://shop.example/hook"
UNKNOWN = unknown(a_publication(), ErrorDetail(kind="unconfirmed", code="no_reply", message="no reply"))


@dataclass
class Receiver:
    """Somebody who is called back."""

    sink: Sink
    calling: CallingBack

    async def call(
        self, *, told_at: datetime | None = None, path: str = "/hook", post_id: str = "post"
    ) -> CallbackRequested:
        """Have the callback delivered once."""
        fact = UNKNOWN.model_copy(update={"post_id": post_id})
        event = callback(fact, self.sink.url + path, told_at or datetime.now(UTC))
        await self.calling.on_callback_requested(Delivery(event, "message", "correlation"))
        return event


@asynccontextmanager
async def receiving(
    *, private: bool = True, most: int = 10, patience: float = 10, clock: Clock | None = None
) -> AsyncIterator[Receiver]:
    async with Sink().serving() as sink, outbound_client(allow_private_addresses=private) as client:
        keys, breakers = [signing_key(SECRET)], CircuitBreakers(most)
        yield Receiver(sink, CallingBack(client, keys, breakers, clock or SystemClock(), timedelta(seconds=patience)))


async def test_a_callback_is_signed_and_says_what_became_of_the_post() -> None:
    async with receiving() as receiver:
        event = await receiver.call()

    (sent,) = receiver.sink.ledger
    verify(SECRET, sent.headers, sent.body, now=sent.at)
    assert sent.headers["webhook-id"] == event.callback_id
    assert (sent.method, sent.path, sent.headers["content-type"]) == ("POST", "/hook", "application/json")
    body = json.loads(sent.body)
    assert (body["type"], body["data"]) == ("publish.unknown", json.loads(UNKNOWN.body()))
    assert datetime.fromisoformat(body["timestamp"]) == event.told_at


FAILURES: dict[str, Answer] = {
    "error": refuse(500),
    "not found": refuse(404),
    "redirect": refuse(302, location="http://127.0.0.1:1/"),
    "silence": HANG,
    "lost reply": LOST_REPLY,
}


@pytest.mark.parametrize("answer", FAILURES.values(), ids=FAILURES)
async def test_what_is_no_success_is_tried_again_with_the_same_id_and_body(answer: Answer) -> None:
    told_at = datetime.now(UTC)
    async with receiving(patience=2 if answer is HANG else 10) as receiver:
        receiver.sink.will_answer("post", answer)
        with pytest.raises(TryAgain):
            await receiver.call(told_at=told_at)
        await receiver.call(told_at=told_at)

    first, second = receiver.sink.ledger
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


@pytest.mark.parametrize(
    ("age", "wait"),
    [(0, 5), (5, 5), (10, 10), (600, 600), (3000, 3000), (7200, 3600), (86_000, 3600)],
)
async def test_pauses_grow_to_an_hour(age: int, wait: int) -> None:
    async with receiving(clock=FakeClock(NOON)) as receiver:
        receiver.sink.will_answer("post", refuse(503))
        with pytest.raises(TryAgain) as again:
            await receiver.call(told_at=NOON - age * SECOND)

    assert wait <= again.value.delay.total_seconds() <= wait + 2


@pytest.mark.parametrize(("asked_for", "rests"), [(5, 5), (60, 80), (90, 160), (2560, 2560), (7200, 2560)])
async def test_a_receiver_may_say_when_to_come_back(asked_for: int, rests: int) -> None:
    """No earlier than that, where one of the retry queues is long enough."""
    async with receiving() as receiver:
        receiver.sink.will_answer("post", refuse(429, retry_after=str(asked_for)))
        with pytest.raises(TryAgain) as again:
            await receiver.call()

    assert tier_within(again.value.delay) == rests


async def test_after_a_day_it_is_given_up_with_the_reason() -> None:
    async with receiving() as receiver:
        receiver.sink.will_answer("post", refuse(503, b"closed"))
        with pytest.raises(Park, match="given up after a day: HTTP 503: closed"):
            await receiver.call(told_at=datetime.now(UTC) - timedelta(days=1, seconds=1))


async def test_a_receiver_that_is_gone_is_not_called_again() -> None:
    async with receiving() as receiver:
        receiver.sink.will_answer("post", refuse(410))
        await receiver.call()

    assert len(receiver.sink.ledger) == 1


UNREADABLE = {
    "in an encoding that was not asked for": b"content-encoding: br\r\ncontent-length: 2\r\n\r\nok",
    "no gzip": b"content-encoding: gzip\r\ncontent-length: 2\r\n\r\nok",
    "without an end": b"\r\nok",
}


@pytest.mark.parametrize("rest", UNREADABLE.values(), ids=UNREADABLE)
@pytest.mark.parametrize("status", ["200 OK", "410 Gone"])
async def test_the_status_is_the_answer_whatever_follows_it(status: str, rest: bytes) -> None:
    """A receiver that took the callback was called for a day."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\n".encode() + rest)
        await asyncio.Event().wait()

    async with receiving() as receiver, listening(answer) as peer:
        event = callback(UNKNOWN, peer.url(), datetime.now(UTC))
        await receiver.calling.on_callback_requested(Delivery(event, "message", "correlation"))
        await peer.stop()

    assert peer.received.count(b"POST / HTTP/1.1") == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 429, 500, 503])
async def test_whatever_a_receiver_answers_it_may_say_when_to_come_back(status: int) -> None:
    async with receiving() as receiver:
        receiver.sink.will_answer("post", refuse(status, retry_after="60"))
        with pytest.raises(TryAgain) as again:
            await receiver.call()

    assert tier_within(again.value.delay) == 80


async def test_a_private_receiver_is_not_called_at_all() -> None:
    async with receiving(private=False) as receiver:
        with pytest.raises(Park, match="TIMEBALL_ALLOW_PRIVATE_ADDRESSES"):
            await receiver.call()

    assert receiver.sink.ledger == []


async def test_a_receiver_that_hangs_does_not_hold_up_others() -> None:
    async with receiving(most=2, patience=30) as hanging, receiving() as well:
        hanging.sink.slow = lambda _: 60
        other = Receiver(well.sink, hanging.calling)
        stuck = [asyncio.create_task(hanging.call(post_id=f"post-{number}")) for number in range(6)]
        await eventually(lambda: len(hanging.sink.ledger) == 2, what="its turns are taken")

        await other.call()
        done, _ = await asyncio.wait(stuck, timeout=10, return_when=asyncio.FIRST_EXCEPTION)

        assert all(isinstance(task.exception(), TryAgain) for task in done)
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)


def ids_of(*facts: Any) -> set[str]:
    return {callback(fact, URL, NOON).callback_id for fact in facts}


def test_the_id_stands_for_post_account_revision_and_outcome() -> None:
    one = succeeded(a_publication(), Published("1"), NOON)

    assert ids_of(one, succeeded(a_publication(tries=3), Published("2"), NOON + SECOND)) == ids_of(one)
    others = [
        succeeded(a_publication(revision=2), Published(), NOON),
        succeeded(a_publication(account_id="other"), Published(), NOON),
        succeeded(a_publication(post_id="other"), Published(), NOON),
        held(a_publication(), "why"),
    ]
    assert len(ids_of(one, *others)) == 5


AGAIN = ErrorDetail(kind="rejected", code="too_long", message="the text is too long")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (failed(a_publication(tries=1), AGAIN), failed(a_publication(tries=2), AGAIN)),
        (unknown(a_publication(tries=1), AGAIN), unknown(a_publication(tries=2), AGAIN)),
        (held(a_publication(tries=1), "refused"), held(a_publication(tries=2), "refused")),
        (held(a_publication(), "not connected"), held(a_publication(), "refused")),
        (skipped(a_publication(), "too_late"), skipped(a_publication(), "cancelled")),
        (held(a_publication(), "refused"), held(a_publication(retries=1), "refused")),
        (failed(a_publication(tries=1), AGAIN), failed(a_publication(tries=1, retries=1), AGAIN)),
    ],
    ids=[
        "failed",
        "unknown",
        "held after an attempt",
        "held without one",
        "skipped",
        "held again alike",
        "failed again alike",
    ],
)
def test_an_outcome_that_comes_again_after_a_retry_has_an_id_of_its_own(first: Any, second: Any) -> None:
    assert len(ids_of(first, first, second)) == 2


def test_without_a_callback_url_nobody_is_called_back() -> None:
    request = requested()

    for asked in (request, request.body().decode()):
        (told,) = told_and_called_back([UNKNOWN], asked, correlation_id="c", now=NOON)
        assert told.type == "publish.unknown"


async def callbacks_in(store: Store) -> list[CallbackRequested]:
    async with store.unit() as unit:
        rows = await unit.connection.execute(select(outbox).where(outbox.c.routing_key == QUEUE))
        events = [read_event(row.type, row.body.encode()) for row in rows]
    return [event for event in events if isinstance(event, CallbackRequested)]


async def test_a_callback_is_committed_with_the_outcome_and_only_with_one_that_counts(store: Store) -> None:
    asked = requested().model_copy(update={"callback_url": URL})
    case = a_case(an_attempt(Evidence.UNKNOWN), event=asked)
    lost = replace(case, delivered=delivered(asked, token="lost"))
    async with store.unit() as unit:
        await unit.save([case.publication])
    recording = Recording(store, FakeClock(NOON))

    assert not await recording.record(lost, outcomes.unknown(lost, outcomes.INTERRUPTED, NOON))
    assert await callbacks_in(store) == []
    found = case.found(Published("id"), NOON)
    assert await recording.record(found, outcomes.succeeded(found, NOON))

    (told,) = await callbacks_in(store)
    assert (told.fact, told.url, told.data["platform_post_id"]) == ("publish.succeeded", URL, "id")


async def test_what_is_told_again_calls_nobody_back(store: Store) -> None:
    asked = requested(swept=True).model_copy(update={"callback_url": URL})
    case = a_case(event=asked)
    async with store.unit() as unit:
        await unit.save([case.publication])
    recording = Recording(store, FakeClock(NOON))
    held_ = outcomes.held(case, "not connected", NOON)

    await recording.record(case, held_)
    assert held_.publication is not None
    await recording.record(case, outcomes.told_again(replace(case, publication=held_.publication)))

    (told,) = await callbacks_in(store)
    assert told.fact == "publish.held"


async def test_a_post_that_waits_calls_back_nobody_before_its_outcome(store: Store) -> None:
    asked = requested().model_copy(update={"callback_url": URL})
    case = a_case(event=asked)
    async with store.unit() as unit:
        await unit.save([case.publication])

    waits = outcomes.retrying(case, WAITS_FOR_ITS_TURN, NOON + SECOND, NOON)
    assert await Recording(store, FakeClock(NOON)).record(case, waits)

    assert await callbacks_in(store) == []
