"""The publisher as a process of its own: what becomes of a post, whatever the platform, the broker and people do.

The scenarios are independent and mostly wait, so one process serves them all side by side.
"""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from shared.events.publisher import AccountConnectFailed, AccountDisconnected, AccountRefreshFailed
from shared.events.requests import (
    AccountDisconnectRequested,
    AccountLimits,
    DeadLetterReplayRequested,
    LatePolicy,
    PublishResolveRequested,
    PublishRetryRequested,
)
from shared.events.scheduler import ScheduleCancelled
from shared.process.home import Home
from shared.secrets.sealing import SealingKey, seal
from tests.fakes.sink import ACCEPT, BABBLE, HANG, LOST_REPLY, Answer, refuse
from tests.nodes import Broker
from tests.support.bus import Fact
from tests.support.publisher_rows import are_known, is_known, starts
from tests.support.side_by_side import Trials, side_by_side
from tests.support.standard_webhooks import verify
from tests.support.system import SECRET, System, a_request, in_seconds, running_system
from tests.support.waiting import LATE, eventually, until, with_time_enough

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHORT = {"TIMEBALL_PUBLISHER_LEASE_SECONDS": "8", "TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS": "5"}
SEEN_BUT_SILENT: dict[str, Answer] = {"lost_reply": LOST_REPLY, "hang": HANG, "babble": BABBLE}

Scenario = Callable[[System], Awaitable[None]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(promise: Scenario) -> Scenario:
    """A promise that is tried side by side with the others."""
    SCENARIOS[promise.__name__] = promise
    return promise


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(broker_node: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """One publisher with its accounts on the sink."""
    async with running_system(tmp_path_factory.mktemp("publisher"), broker_node, "publisher", env=SHORT) as running:
        await running.connect("plain")
        await running.connect("asked", answers_lookups=True)
        await running.connect("hook", "webhook", credentials={"secret": SECRET})
        await running.connect("throttled")
        await running.connect("limited", limits=AccountLimits(per_second=10))
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def trials(world: System) -> AsyncIterator[Trials]:
    """Every scenario, under way."""
    async with side_by_side(SCENARIOS, world) as trials:
        yield trials


@scenario
async def a_connection_asked_for_with_a_wrong_field_is_answered_and_not_parked(world: System) -> None:
    body = {"account_id": "limitless", "platform": "sandbox", "limits": {"per_second": 0}}
    await world.bus.emit_raw(json.dumps(body).encode(), "account.connect_requested", correlation_id="asked-wrongly")

    failed = await world.bus.fact("account.connect_failed", account_id="limitless")

    assert failed.body["error"]["code"] == "invalid"
    assert "limits.per_second: Input should be greater than or equal to 1 (got 0)" in failed.body["error"]["message"]
    assert failed.correlation_id == "asked-wrongly"


@scenario
async def what_is_asked_wrongly_for_a_post_is_answered_and_not_parked(world: System) -> None:
    body = b'{"post_id": "asked-for", "account_id": "hook", "outcome": "sent"}'
    await world.bus.emit_raw(body, "publish.resolve_requested", correlation_id="settled-wrongly")

    rejected = await world.bus.fact("schedule.rejected", post_id="asked-for")

    assert rejected.body["code"] == "invalid"
    assert "'published', 'not_published' or 'ask_network' (got 'sent')" in rejected.body["reason"]
    assert rejected.correlation_id == "settled-wrongly"


@scenario
async def a_post_reaches_its_platform_at_its_instant_and_is_told_of(world: System) -> None:
    request = a_request("on-time", "hook", content="The ball \N{SNOWMAN}", options={"a": [1]}, due_in=3)

    envelope = await world.bus.emit(request)
    outcome = await world.bus.outcome("on-time")

    (sent,) = world.sink.requests("on-time")
    verify(SECRET, sent.headers, sent.body, now=sent.at)
    assert sent.at >= request.publish_at
    assert outcome.type == "publish.succeeded"
    assert timedelta(0) <= timedelta(milliseconds=outcome.body["lateness_ms"]) < LATE
    assert outcome.body["platform_post_id"] == "id of on-time"
    assert outcome.body["url"] == "https://sink.example/on-time"
    assert (outcome.body["platform"], outcome.body["attempts"]) == ("webhook", 1)
    assert outcome.correlation_id == envelope.correlation_id


@scenario
async def requests_delivered_twice_and_shuffled_are_sent_once(world: System) -> None:
    posts = [f"twice-{number}" for number in range(25)]
    requests = [a_request(post_id, due_in=3 + number * 0.02) for number, post_id in enumerate(posts)] * 2
    random.shuffle(requests)

    await asyncio.gather(*map(world.bus.emit, requests))
    await asyncio.gather(*map(world.bus.outcome, posts))

    await eventually(lambda: is_idle(world), every=0.5, what="all duplicates are settled")
    assert {post: len(world.sink.requests(post)) for post in posts} == dict.fromkeys(posts, 1)
    assert [world.bus.told_of(post) for post in posts] == [["publish.succeeded"]] * len(posts)


@scenario
async def a_request_for_a_published_post_changes_nothing(world: System) -> None:
    request = a_request("again", due_in=0)
    await world.bus.emit(request)
    await world.bus.outcome("again")

    await world.bus.emit(request.model_copy(update={"revision": 2}))
    await world.bus.emit(request.model_copy(update={"swept": True}))

    await world.bus.fact("publish.succeeded", post_id="again", count=2)
    assert len(world.sink.requests("again")) == 1


@scenario
async def an_old_revision_is_skipped_and_the_new_one_sent(world: System) -> None:
    await world.bus.emit(a_request("revised", revision=2, content="new", due_in=4))
    await world.bus.emit(a_request("revised", revision=1, content="old", due_in=1))

    skipped = await world.bus.fact("publish.skipped", post_id="revised")
    succeeded = await world.bus.fact("publish.succeeded", post_id="revised")

    assert (skipped.body["revision"], skipped.body["reason"]) == (1, "superseded")
    assert succeeded.body["revision"] == 2
    assert [b'"new"' in sent.body for sent in world.sink.requests("revised")] == [True]


@scenario
async def what_shall_come_back_later_uses_no_attempt_and_rests_in_the_retry_queue(world: System) -> None:
    world.sink.will_answer("transient", refuse(503, b"closed for lunch"))

    await world.bus.emit(a_request("transient"))
    outcome = await world.bus.outcome("transient")

    retrying = await world.bus.fact("publish.retrying", post_id="transient")
    assert (outcome.type, outcome.body["attempts"]) == ("publish.succeeded", 1)
    assert retrying.body["error"] == {"class": "unavailable", "code": "503", "message": "HTTP 503: closed for lunch"}
    first, second = world.sink.requests("transient")
    assert second.at - first.at >= timedelta(seconds=5)
    assert second.at >= datetime.fromisoformat(retrying.body["next_attempt_at"])


@scenario
async def three_failures_are_a_failure_and_a_dead_letter_with_its_reason(world: System) -> None:
    world.sink.will_answer("hopeless", *[refuse(408)] * 3)

    envelope = await world.bus.emit(a_request("hopeless"))
    outcome = await world.bus.outcome("hopeless")

    assert (outcome.type, outcome.body["attempts"]) == ("publish.failed", 3)
    assert outcome.body["error"]["code"] == "408"
    assert len(world.sink.requests("hopeless")) == 3
    assert await dead_letter(world, envelope.message_id) == "transient after 3 attempts: HTTP 408: as asked"


@scenario
async def an_error_of_the_server_leaves_a_post_in_doubt(world: System) -> None:
    world.sink.will_answer("doubtful", refuse(500))

    await world.bus.emit(a_request("doubtful"))
    outcome = await world.bus.outcome("doubtful")

    assert (outcome.type, outcome.body["attempts"]) == ("publish.unknown", 1)
    assert len(world.sink.requests("doubtful")) == 1


@scenario
async def a_reply_that_is_lost_is_not_forgotten_when_the_next_one_refuses(world: System) -> None:
    world.sink.will_answer("lost-then-400", LOST_REPLY, refuse(400))

    await world.bus.emit(a_request("lost-then-400", "hook"))
    outcome = await world.bus.outcome("lost-then-400")
    await world.bus.emit(a_request("lost-then-400", "hook", revision=2, content="another text"))

    assert (outcome.type, outcome.body["attempts"]) == ("publish.unknown", 2)
    await world.bus.fact("publish.unknown", post_id="lost-then-400", count=2)
    assert len(world.sink.requests("lost-then-400")) == 2


@scenario
async def what_the_platform_rejects_is_given_up_at_once(world: System) -> None:
    world.sink.will_answer("unwanted", refuse(422, b'{"message": "not here"}'))

    envelope = await world.bus.emit(a_request("unwanted"))
    outcome = await world.bus.outcome("unwanted")

    assert (outcome.type, outcome.body["attempts"]) == ("publish.failed", 1)
    assert await dead_letter(world, envelope.message_id) == "rejected after 1 attempt: HTTP 422: not here"


@scenario
async def a_rate_limit_is_waited_out_and_costs_no_attempt(world: System) -> None:
    world.sink.will_answer("too-many", *[refuse(429, retry_after="7")] * 2)

    await world.bus.emit(a_request("too-many", "throttled"))
    outcome = await world.bus.outcome("too-many")

    assert (outcome.type, outcome.body["attempts"]) == ("publish.succeeded", 1)
    sent = world.sink.requests("too-many")
    assert len(sent) == 3
    assert all(later.at - earlier.at >= timedelta(seconds=7) for earlier, later in pairwise(sent))


@scenario
async def an_outcome_is_called_back_until_it_is_taken(world: System) -> None:
    world.sink.will_answer("called-back", ACCEPT, refuse(503), Answer(accepts=False))
    key = Home(world.env["TIMEBALL_HOME"]).callback_secret()

    await world.bus.emit(a_request("called-back", callback_url=f"{world.sink.url}/callback"))
    outcome = await world.bus.outcome("called-back")
    await eventually(lambda: len(world.sink.requests("called-back")) == 3, what="it is called back")

    first, second = (sent for sent in world.sink.requests("called-back") if sent.path == "/callback")
    verify(key, second.headers, second.body, now=second.at)
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert second.at - first.at >= timedelta(seconds=4)
    told = json.loads(second.body)
    assert (told["type"], told["data"]) == (outcome.type, outcome.body)


@scenario
async def refused_credentials_hold_the_post_and_tell_of_the_account(world: System) -> None:
    await world.connect("stranger")
    world.sink.will_answer("who-are-you", refuse(401))

    await world.bus.emit(a_request("who-are-you", "stranger"))
    outcome = await world.bus.outcome("who-are-you")

    assert outcome.type == "publish.held"
    refused = await world.bus.fact(AccountRefreshFailed.type, account_id="stranger")
    assert refused.body["needs_reconnect"] is True


async def silence_leaves_a_plain_sandbox_unknown(world: System, how: str) -> None:
    post_id = f"{how}-plain"
    world.sink.will_answer(post_id, SEEN_BUT_SILENT[how])

    await world.bus.emit(a_request(post_id))
    outcome = await world.bus.outcome(post_id)

    assert (outcome.type, outcome.body["error"]["class"]) == ("publish.unknown", "unconfirmed")
    assert len(world.sink.requests(post_id)) == 1


async def silence_is_looked_into_where_the_platform_answers(world: System, how: str) -> None:
    post_id = f"{how}-asked"
    world.sink.will_answer(post_id, SEEN_BUT_SILENT[how])

    await world.bus.emit(a_request(post_id, "asked"))
    outcome = await world.bus.outcome(post_id)

    assert (outcome.type, outcome.body["platform_post_id"]) == ("publish.succeeded", f"id of {post_id}")
    assert len(world.sink.requests(post_id)) == 1
    assert len(world.sink.requests(post_id, "GET")) == 1


async def silence_is_answered_by_repeating_where_the_platform_deduplicates(world: System, how: str) -> None:
    post_id = f"{how}-hook"
    world.sink.will_answer(post_id, SEEN_BUT_SILENT[how])

    await world.bus.emit(a_request(post_id, "hook"))
    outcome = await world.bus.outcome(post_id)

    assert (outcome.type, outcome.body["attempts"]) == ("publish.succeeded", 2)
    assert len({sent.headers["webhook-id"] for sent in world.sink.requests(post_id)}) == 1
    assert world.sink.appearances()[post_id] == 1


def for_each_silence(promise: Callable[[System, str], Awaitable[None]]) -> None:
    """The same promise for every way in which a platform can take a post and say nothing."""
    for how in SEEN_BUT_SILENT:
        SCENARIOS[f"{promise.__name__}: {how}"] = lambda world, how=how: promise(world, how)  # type: ignore[misc]


for_each_silence(silence_leaves_a_plain_sandbox_unknown)
for_each_silence(silence_is_looked_into_where_the_platform_answers)
for_each_silence(silence_is_answered_by_repeating_where_the_platform_deduplicates)


@scenario
async def what_a_look_up_does_not_find_is_sent_again(world: System) -> None:
    world.sink.will_answer("never-came", Answer(accepts=False, then="hang up"))

    await world.bus.emit(a_request("never-came", "asked"))
    outcome = await world.bus.outcome("never-came")

    assert (outcome.type, outcome.body["attempts"]) == ("publish.succeeded", 2)
    assert world.sink.appearances()["never-came"] == 1


@scenario
async def what_a_look_up_does_not_find_yet_is_not_sent_twice(world: System) -> None:
    """A platform that is slow to take a post has not refused it."""
    world.sink.will_answer("slow-to-appear", HANG)
    world.sink.will_answer("look-up of slow-to-appear", refuse(404))

    await world.bus.emit(a_request("slow-to-appear", "asked"))
    outcome = await world.bus.outcome("slow-to-appear")

    assert (outcome.type, outcome.body["attempts"]) == ("publish.succeeded", 1)
    assert len(world.sink.requests("slow-to-appear", "GET")) == 2
    assert world.sink.appearances()["slow-to-appear"] == 1


@scenario
async def a_look_up_that_fails_is_repeated(world: System) -> None:
    world.sink.will_answer("no-answer", LOST_REPLY)
    world.sink.will_answer("look-up of no-answer", refuse(503))

    await world.bus.emit(a_request("no-answer", "asked"))
    outcome = await world.bus.outcome("no-answer")

    assert outcome.type == "publish.succeeded"
    assert len(world.sink.requests("no-answer")) == 1


@scenario
async def garbage_after_a_success_is_still_a_success(world: System) -> None:
    world.sink.will_answer("garbage", Answer(body=b"\xff\x00<html>"))

    await world.bus.emit(a_request("garbage"))
    outcome = await world.bus.outcome("garbage")

    assert outcome.type == "publish.succeeded"
    assert "platform_post_id" not in outcome.body


async def a_cancelled_post_is_not_sent(world: System, share: float) -> None:
    """Cancelled when this share of the time from its request to its instant is left."""

    async def cancelled(lead: float) -> Fact | None:
        post_id = f"cancelled-{share:g}-of-{lead:g}-s-ahead"
        request = a_request(post_id, due_in=lead)
        await world.bus.emit(request)

        await until(request.publish_at - timedelta(seconds=lead * share))
        await world.bus.emit(ScheduleCancelled(post_id=post_id, account_id="plain", revision=1, reason="requested"))

        outcome = await world.bus.outcome(post_id)
        assert (outcome.type == "publish.succeeded") == bool(world.sink.requests(post_id))
        return None if outcome.type == "publish.succeeded" else outcome

    outcome = await with_time_enough(cancelled, lead=4)
    assert (outcome.type, outcome.body["reason"], outcome.body["attempts"]) == ("publish.skipped", "cancelled", 0)


@scenario
async def a_post_cancelled_before_its_request_came_is_not_sent(world: System) -> None:
    cancelled = ScheduleCancelled(post_id="stillborn", account_id="plain", revision=3, reason="requested")
    await world.bus.emit(cancelled)
    known = partial(is_known, world.database_url("publisher"), "stillborn")
    await eventually(known, every=0.1, what="the cancellation is known")

    await world.bus.emit(a_request("stillborn", revision=3, due_in=0))

    outcome = await world.bus.outcome("stillborn")
    assert (outcome.type, outcome.body["reason"]) == ("publish.skipped", "cancelled")
    assert world.sink.requests("stillborn") == []


@scenario
async def a_post_cancelled_a_second_ahead_is_not_sent(world: System) -> None:
    await a_cancelled_post_is_not_sent(world, 1 / 4)


@scenario
async def a_post_cancelled_at_the_last_moment_is_not_sent(world: System) -> None:
    """After it was marked as being sent, 300 ms ahead, and before it was."""
    await a_cancelled_post_is_not_sent(world, 0.2 / 4)


@scenario
async def a_failed_post_can_be_revived(world: System) -> None:
    world.sink.will_answer("revived", refuse(422))
    await world.bus.emit(a_request("revived"))
    assert (await world.bus.outcome("revived")).type == "publish.failed"

    await world.bus.emit(PublishRetryRequested(post_id="revived", account_id="plain"), times=2)

    succeeded = await world.bus.fact("publish.succeeded", post_id="revived")
    assert succeeded.body["attempts"] == 2
    assert len(world.sink.requests("revived")) == 2


@scenario
async def a_failed_post_is_tried_again_when_its_dead_letter_is_replayed(world: System) -> None:
    world.sink.will_answer("replayed", refuse(422))
    sent = await world.bus.emit(a_request("replayed"))
    await world.bus.fact("dead_letter.parked", message_id=sent.message_id)

    await world.bus.emit(DeadLetterReplayRequested(service="publisher", message_ids=(sent.message_id,)), times=2)

    succeeded = await world.bus.fact("publish.succeeded", post_id="replayed")
    assert succeeded.body["attempts"] == 2
    assert world.bus.told_of("replayed")[-1] == "publish.succeeded"


@scenario
async def a_post_for_an_unknown_account_is_held_until_the_account_is_there(world: System) -> None:
    await world.bus.emit(a_request("early-bird", "not-yet"))
    held = await world.bus.outcome("early-bird")
    await world.connect("not-yet")

    await world.bus.emit(PublishRetryRequested(post_id="early-bird", account_id="not-yet"))

    assert held.type == "publish.held"
    assert "'not-yet' is not connected" in held.body["reason"]
    assert (await world.bus.fact("publish.succeeded", post_id="early-bird")).body["attempts"] == 1


@scenario
async def a_retry_of_a_published_post_is_refused_with_a_reason(world: System) -> None:
    await world.bus.emit(a_request("done", due_in=0))
    await world.bus.outcome("done")

    await world.bus.emit(PublishRetryRequested(post_id="done", account_id="plain"))

    rejected = await world.bus.fact("schedule.rejected", post_id="done")
    assert rejected.body["code"] == "already_published"
    assert rejected.body["reason"].startswith("post 'done' on account 'plain' is published: ")


@scenario
async def an_unknown_post_that_was_found_is_settled_as_published(world: System) -> None:
    await an_unknown_post(world, "found", LOST_REPLY)

    found = PublishResolveRequested(
        post_id="found", account_id="plain", outcome="published", platform_post_id="seen on the page"
    )
    await world.bus.emit(found, times=2)

    succeeded = await world.bus.fact("publish.succeeded", post_id="found")
    assert succeeded.body["platform_post_id"] == "seen on the page"
    assert len(world.sink.requests("found")) == 1


@scenario
async def an_unknown_post_that_was_not_found_is_settled_as_failed_and_can_be_revived(world: System) -> None:
    await an_unknown_post(world, "lost", Answer(accepts=False, then="hang up"))

    await world.bus.emit(PublishResolveRequested(post_id="lost", account_id="plain", outcome="not_published"))
    failed = await world.bus.fact("publish.failed", post_id="lost")
    await world.bus.emit(PublishRetryRequested(post_id="lost", account_id="plain"))

    assert failed.body["error"]["code"] == "not_published"
    assert (await world.bus.fact("publish.succeeded", post_id="lost")).body["attempts"] == 2


async def an_unknown_post(world: System, post_id: str, answer: Answer) -> None:
    world.sink.will_answer(post_id, answer)
    await world.bus.emit(a_request(post_id, due_in=0))
    assert (await world.bus.outcome(post_id)).type == "publish.unknown"


@scenario
async def an_account_on_an_unknown_platform_is_refused_and_its_posts_held(world: System) -> None:
    await world.ask_to_connect("exotic", "myspace")
    refused = await world.bus.fact(AccountConnectFailed.type, account_id="exotic")
    await world.bus.emit(a_request("to-myspace", "exotic"))

    assert "choose one of" in refused.body["error"]["message"]
    assert (await world.bus.outcome("to-myspace")).type == "publish.held"


@scenario
async def credentials_that_cannot_be_read_are_refused_and_not_quoted(world: System) -> None:
    foreign = seal({"secret": SECRET}, SealingKey.generate().public_key)

    await world.ask_to_connect("sealed-wrongly", "webhook", sealed=foreign)
    await world.ask_to_connect("weakly-secret", "webhook", credentials={"secret": "hunter2"})

    unreadable = await world.bus.fact(AccountConnectFailed.type, account_id="sealed-wrongly")
    weak = await world.bus.fact(AccountConnectFailed.type, account_id="weakly-secret")
    assert unreadable.body["error"]["code"] == "unreadable_credentials"
    assert weak.body["error"]["code"] == "invalid_credentials"
    assert "hunter2" not in str(weak.body)


@scenario
async def posts_of_a_disconnected_account_are_held_until_it_is_back(world: System) -> None:
    await world.connect("leaver", "webhook", credentials={"secret": SECRET})
    await world.bus.emit(AccountDisconnectRequested(account_id="leaver"))
    await world.bus.fact(AccountDisconnected.type, account_id="leaver")

    await world.bus.emit(a_request("left-behind", "leaver"))
    held = await world.bus.outcome("left-behind")
    await world.ask_to_connect("leaver", "webhook", credentials={"secret": SECRET})
    await world.bus.fact("account.connected", account_id="leaver", count=2)
    await world.bus.emit(PublishRetryRequested(post_id="left-behind", account_id="leaver"))

    assert held.type == "publish.held"
    assert (await world.bus.fact("publish.succeeded", post_id="left-behind")).body["platform"] == "webhook"


@scenario
async def a_post_found_late_follows_its_policy(world: System) -> None:
    def overdue(post_id: str, late: float, **policy: Any) -> Awaitable[object]:
        return world.bus.emit(a_request(post_id, due_in=-late, late_policy=LatePolicy(**policy)))

    await overdue("late-skip", 90, mode="skip", grace_seconds=60)
    await overdue("late-hold", 90, mode="hold", grace_seconds=60)
    await overdue("late-publish", 90, mode="publish", grace_seconds=60)
    await overdue("late-but-graced", 90, mode="skip", grace_seconds=120)

    outcomes = [await world.bus.outcome(f"late-{how}") for how in ("skip", "hold", "publish", "but-graced")]
    skipped, held, held_too, sent = outcomes
    assert (skipped.type, skipped.body["reason"]) == ("publish.skipped", "too_late")
    assert (held.type, held_too.type) == ("publish.held", "publish.held")
    assert re.search(r"found 0:0[12]:\d\d after it was due", held.body["reason"])
    assert sent.type == "publish.succeeded"
    assert sent.body["lateness_ms"] >= 90_000


@scenario
async def a_limited_account_sends_in_due_order_and_never_more_than_its_limit(world: System) -> None:
    posts = await with_time_enough(partial(_limited_in_time, world), lead=3)

    sent = [request for request in world.sink.ledger if request.path == "/limited"]
    assert len([request for request in sent if request.post_id in posts]) == len(posts)
    start_at = await starts(world.database_url("publisher"), "limited")
    assert all(request.at >= start_at[request.post_id] for request in sent)
    started = sorted(start_at.values())
    assert all(later - earlier >= timedelta(seconds=1) for earlier, later in zip(started, started[10:], strict=False))
    assert in_tens(sorted(posts, key=start_at.__getitem__)) == in_tens(posts)


async def _limited_in_time(world: System, lead: float) -> list[str] | None:
    """Posts in the order in which they fell due; None where not all had been taken before the first of them did."""
    posts = [f"limited-{lead:g}-{number:02d}" for number in range(60)]
    due_at = in_seconds(lead)
    requests = [
        a_request(post_id, "limited", publish_at=due_at + timedelta(milliseconds=number))
        for number, post_id in enumerate(posts)
    ]
    await asyncio.gather(*map(world.bus.emit, requests))
    await eventually(lambda: are_known(world.database_url("publisher"), posts), what="all are taken")
    is_in_time = in_seconds(lead / 6) < due_at
    outcomes = [await world.bus.outcome(post_id) for post_id in posts]
    assert {outcome.type for outcome in outcomes} == {"publish.succeeded"}
    return posts if is_in_time else None


def in_tens(posts: list[str]) -> list[set[str]]:
    """Posts that share a slot start within the same moment, in any order."""
    return [set(posts[start : start + 10]) for start in range(0, len(posts), 10)]


MALFORMED: list[tuple[str, bytes, str]] = [
    ("publish.requested", b"{", "EOF while parsing"),
    ("publish.requested", b"\xff\xfe\x00", "expected value"),
    ("publish.requested", b"[]", "should be an object"),
    ("publish.requested", b'{"post_id": 1}', "post_id"),
    ("publish.requested", b'{"post_id": "p\\u0000"}', "post_id"),
    ("publish.requested.v9", b"{}", "unknown version 'publish.requested.v9'"),
    ("account.connect_requested", b'{"platform": "sandbox"}', "account_id: this field is required"),
]


@scenario
async def malformed_bytes_are_parked_with_their_reason_and_harm_nobody(world: System) -> None:
    sent = [(await world.bus.emit_raw(body, key), body, reason) for key, body, reason in MALFORMED]

    for message_id, body, reason in sent:
        assert reason in await dead_letter(world, message_id, body=body)

    await world.bus.emit(a_request("after-the-garbage", due_in=0))
    assert (await world.bus.outcome("after-the-garbage")).type == "publish.succeeded"


@pytest.mark.parametrize("promise", list(SCENARIOS))
async def test_the_publisher_promises_that(promise: str, trials: Trials) -> None:
    await trials[promise]


async def test_a_stopped_publisher_leaves_nothing_unsettled(world: System, trials: Trials) -> None:
    await asyncio.gather(*trials.values(), return_exceptions=True)
    (publisher,) = world.processes
    assert [post for post, times in world.sink.appearances().items() if times > 1] == []
    await eventually(lambda: is_idle(world), every=0.5, what="nothing is left to do")

    code = await publisher.stop()

    assert code == 0
    assert await is_idle(world)
    assert not publisher.logged("message_failed")


async def test_credentials_are_encrypted_at_rest_and_never_logged(world: System) -> None:
    written = [file for file in world.folder.rglob("*") if file.is_file() and "keys" not in file.parts]

    assert any(file.suffix == ".db" for file in written)
    assert [file.name for file in written if is_told_in(file, SECRET)] == []


def is_told_in(file: Path, secret: str) -> bool:
    told = file.read_bytes()
    return secret.encode() in told or secret.removeprefix("whsec_").encode() in told


async def is_idle(world: System) -> bool:
    """Nothing waits in the publisher's queues."""
    queues = ["requests", "commands", "cancellations", "retry.5s", "retry.10s", "retry.20s"]
    return not any([await world.bus.depth(f"publisher.{queue}") for queue in queues])


async def dead_letter(world: System, message_id: str, *, body: bytes | None = None) -> str:
    """Why the message rests among the dead letters, once it does."""
    found: dict[str, Any] = {}

    async def is_there() -> bool:
        found.update({str(one.message_id): one for one in await world.bus.resting_in("publisher.dead")})
        return message_id in found

    await eventually(is_there, every=0.5, what=f"{message_id} is a dead letter")
    letter = found[message_id]
    assert body is None or letter.body == body
    return str(letter.headers["reason"])
