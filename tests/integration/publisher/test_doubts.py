"""A publisher process and what may be out: whatever the network answers next, and whatever people want meanwhile.

The scenarios are independent and mostly wait, so one process serves them all side by side.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from itertools import product
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from services.publisher.withdrawing import JUST_TOLD
from shared.clocks.clock import SystemClock
from shared.events import Event
from shared.events.publisher import AccountConnected
from shared.events.requests import AccountConnectRequested, RetryPolicy
from shared.events.scheduler import PublishRequested, PublishWithdrawRequested
from shared.secrets.sealing import seal
from tests.fakes.sink import LOST_REPLY, Answer, Sink, refuse
from tests.nodes import Broker
from tests.support.bus import Fact
from tests.support.side_by_side import Trials, side_by_side
from tests.support.system import SECRET, System, a_request, running_system
from tests.support.waiting import LATE, eventually, until, with_time_enough

pytestmark = pytest.mark.asyncio(loop_scope="module")

IMPATIENT = {"TIMEBALL_PUBLISHER_LEASE_SECONDS": "150", "TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS": "5"}
NOT_PUBLISHED = ("publish.failed", "publish.skipped", "publish.held")
TAKEN_BUT_500 = Answer(500, b"oops")

Scenario = Callable[[System], Awaitable[None]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(promise: Scenario) -> Scenario:
    """A promise that is tried side by side with the others."""
    SCENARIOS[promise.__name__] = promise
    return promise


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(broker_node: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """One publisher with its accounts on the sink: one that deduplicates, one of which nobody can tell."""
    async with running_system(tmp_path_factory.mktemp("publisher"), broker_node, "publisher", env=IMPATIENT) as running:
        await running.connect("hook", "webhook", credentials={"secret": SECRET})
        await running.connect("plain")
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def trials(world: System) -> AsyncIterator[Trials]:
    """Every scenario, under way."""
    async with side_by_side(SCENARIOS, world) as trials:
        yield trials


def edited(request: PublishRequested) -> PublishRequested:
    return request.model_copy(update={"revision": 2, "content": "Another text."})


def withdrawal(request: PublishRequested, reason: str = "cancelled") -> PublishWithdrawRequested:
    return PublishWithdrawRequested.model_validate(
        {
            "post_id": request.post_id,
            "account_id": request.account_id,
            "revision": request.revision,
            "reason": reason,
        }
    )


async def in_doubt(
    world: System, post_id: str, *answers: Answer, account_id: str = "hook", retry: RetryPolicy | None = None
) -> PublishRequested:
    """A post whose first reply was lost after the network took it."""
    world.sink.will_answer(post_id, LOST_REPLY, *answers)
    request = a_request(post_id, account_id, due_in=1, retry=retry or RetryPolicy())
    await world.bus.emit(request)
    await eventually(lambda: world.sink.requests(post_id), what=f"{post_id} was sent")
    return request


async def asked_in_doubt(
    world: System, name: str, ask: Callable[[PublishRequested], Event], *, account_id: str = "hook"
) -> tuple[PublishRequested, Fact]:
    """A post in doubt, and the answer to what was asked before its request was repeated.

    What was told a moment ago is not told again.
    """

    async def asked(lead: float) -> tuple[PublishRequested, Fact] | None:
        retry = RetryPolicy(first_delay_seconds=lead)
        request = await in_doubt(world, f"{name}-{lead:g}", account_id=account_id, retry=retry)
        told = await world.bus.fact(("publish.retrying", "publish.unknown"), post_id=request.post_id)
        if told.type == "publish.unknown":
            await SystemClock().sleep(JUST_TOLD)
        await world.bus.emit(ask(request))
        answer = await world.bus.fact((told.type, "publish.succeeded"), post_id=request.post_id, count=2)
        return (request, answer) if answer.type == told.type else None

    return await with_time_enough(asked, lead=5)


async def is_out_once(world: System, post_id: str) -> None:
    """The network has one post, and nobody was told that it has none."""
    assert world.sink.appearances()[post_id] == 1
    assert [kind for kind in world.bus.told_of(post_id) if kind in NOT_PUBLISHED] == []


NEXT_ANSWERS: dict[str, tuple[Sequence[Answer], str]] = {
    "twice-500": ((refuse(500), refuse(500)), "publish.unknown"),
    "taken-twice-500": ((TAKEN_BUT_500, TAKEN_BUT_500), "publish.unknown"),
    "400": ((refuse(400),), "publish.unknown"),
    "422": ((refuse(422),), "publish.unknown"),
    "302": ((refuse(302, location="/elsewhere"),), "publish.succeeded"),
    "429": ((refuse(429, retry_after="1"),), "publish.succeeded"),
    "503": ((refuse(503),), "publish.succeeded"),
}


async def a_post_that_was_taken_is_not_failed_by_what_its_repeat_is_answered(world: System, answers: str) -> None:
    """And another revision does not go past it: whoever asks for one is told what stands."""
    next_answers, expected = NEXT_ANSWERS[answers]
    request = await in_doubt(world, f"next-{answers}", *next_answers)

    outcome = await world.bus.outcome(request.post_id)
    await world.bus.emit(edited(request))
    await world.bus.fact(expected, post_id=request.post_id, count=2)

    assert outcome.type == expected
    await is_out_once(world, request.post_id)


@scenario
async def an_edit_in_doubt_is_answered_so_and_its_text_is_never_sent(world: System) -> None:
    request, answer = await asked_in_doubt(world, "edited", edited)
    retrying = await world.bus.fact("publish.retrying", post_id=request.post_id)
    outcome = await world.bus.outcome(request.post_id)

    assert [(fact.body["revision"], fact.body["in_doubt"]) for fact in (retrying, answer)] == [(1, True)] * 2
    assert (outcome.type, outcome.body["revision"]) == ("publish.succeeded", 1)
    assert [b"Another text" in sent.body for sent in world.sink.requests(request.post_id)] == [False, False]
    await is_out_once(world, request.post_id)


async def a_withdrawal_in_doubt_is_answered_that_it_may_be_out(world: System, account_id: str, reason: str) -> None:
    ask = partial(withdrawal, reason=reason)
    request, answer = await asked_in_doubt(world, f"withdrawn-{account_id}-{reason}", ask, account_id=account_id)
    outcome = await world.bus.outcome(request.post_id)

    assert answer.type == ("publish.retrying" if account_id == "hook" else "publish.unknown")
    assert answer.body.get("in_doubt", True)
    assert outcome.type == ("publish.succeeded" if account_id == "hook" else "publish.unknown")
    await is_out_once(world, request.post_id)


@scenario
async def an_error_of_a_server_that_took_the_post_makes_no_second_one(world: System) -> None:
    """Where repeated requests are two posts."""
    world.sink.will_answer("taken-500", TAKEN_BUT_500)
    await world.bus.emit(a_request("taken-500", "plain", due_in=1))

    outcome = await world.bus.outcome("taken-500")

    assert outcome.type == "publish.unknown"
    assert len(world.sink.requests("taken-500")) == 1


async def what_became_of(world: System, post_id: str) -> Fact:
    kinds = ("publish.succeeded", "publish.skipped", "publish.unknown", "publish.failed", "publish.held")
    return await world.bus.fact(kinds, post_id=post_id)


@scenario
async def what_is_told_of_a_post_that_is_withdrawn_at_the_last_moment_is_what_the_network_saw(
    world: System,
) -> None:
    requests = [a_request(f"moment-{number}", "plain", due_in=5) for number in range(60)]
    await asyncio.gather(*(world.bus.emit(request) for request in requests))

    async def withdraw(request: PublishRequested, number: int) -> None:
        await until(request.publish_at - timedelta(milliseconds=150 - 3 * number))
        await world.bus.emit(withdrawal(request))

    await asyncio.gather(*(withdraw(request, number) for number, request in enumerate(requests)))
    outcomes = await asyncio.gather(*(what_became_of(world, request.post_id) for request in requests))

    told = {request.post_id: fact.type for request, fact in zip(requests, outcomes, strict=True)}
    sent = {request.post_id: len(world.sink.requests(request.post_id)) for request in requests}
    assert set(told.values()) <= {"publish.succeeded", "publish.skipped"}
    assert sent == {post_id: kind == "publish.succeeded" for post_id, kind in told.items()}
    assert all(len(set(world.bus.told_of(post_id))) == 1 for post_id in told)


@scenario
async def a_new_revision_goes_out_right_after_the_withdrawal_of_the_one_before(world: System) -> None:
    """Not a lease later, though the withdrawal came while the old one was about to leave."""

    async def withdrawn(lead: float) -> PublishRequested | None:
        request = a_request(f"edited-late-{lead:g}", "plain", due_in=lead)
        await world.bus.emit(request)
        await until(request.publish_at - timedelta(seconds=lead / 15))
        await world.bus.emit(withdrawal(request, "superseded"))
        answer = await what_became_of(world, request.post_id)
        return request if answer.type == "publish.skipped" else None

    request = await with_time_enough(withdrawn, lead=3)
    emitted_at = SystemClock().now()
    await world.bus.emit(edited(request))
    outcome = await world.bus.fact("publish.succeeded", post_id=request.post_id)

    (sent,) = world.sink.requests(request.post_id)
    assert outcome.body["revision"] == 2
    assert b"Another text." in sent.body
    assert sent.at - max(emitted_at, request.publish_at) < LATE


@scenario
async def a_post_that_may_be_out_is_not_sent_to_where_its_account_publishes_since(world: System) -> None:
    """Another receiver knows nothing of the `webhook-id` under which the first one took it."""

    async def moved(lead: float) -> Fact | None:
        post_id, account_id = f"moved-{lead:g}", f"moving-{lead:g}"
        async with Sink().serving() as elsewhere:
            await world.connect(account_id, "webhook", credentials={"secret": SECRET})
            request = await in_doubt(world, post_id, account_id=account_id, retry=RetryPolicy(first_delay_seconds=lead))
            await world.ask_to_connect(account_id, "webhook", credentials={"secret": SECRET}, url=elsewhere.url)
            outcome = await world.bus.outcome(request.post_id)
            assert elsewhere.requests(post_id) == []
        return outcome if outcome.type == "publish.unknown" else None

    outcome = await with_time_enough(moved, lead=5)

    assert outcome.body["error"]["code"] == "account_changed"


@scenario
async def a_destination_that_is_away_for_a_while_fails_no_post(world: System) -> None:
    posts = [f"away-{number}" for number in range(20)]
    async with Sink().serving() as elsewhere:
        await connect_elsewhere(world, elsewhere)
        port = urlsplit(elsewhere.url).port
        assert port is not None
    await asyncio.gather(*(world.bus.emit(a_request(post_id, "elsewhere", due_in=1)) for post_id in posts))

    await until(SystemClock().now() + timedelta(seconds=16))
    assert {kind for post_id in posts for kind in world.bus.told_of(post_id)} == {"publish.retrying"}
    async with Sink().serving(port=port) as back:
        outcomes = await asyncio.gather(*(world.bus.outcome(post_id) for post_id in posts))

        assert {outcome.type for outcome in outcomes} == {"publish.succeeded"}
        assert {outcome.body["attempts"] for outcome in outcomes} == {1}
        assert sorted(sent.post_id for sent in back.ledger) == sorted(posts)


for answers in NEXT_ANSWERS:
    SCENARIOS[f"a_post_that_was_taken_is_not_failed_by_{answers}"] = partial(
        a_post_that_was_taken_is_not_failed_by_what_its_repeat_is_answered, answers=answers
    )
for account_id, reason in product(("hook", "plain"), ("cancelled", "superseded")):
    SCENARIOS[f"a_withdrawal_in_doubt_is_answered_so_on_{account_id}_{reason}"] = partial(
        a_withdrawal_in_doubt_is_answered_that_it_may_be_out, account_id=account_id, reason=reason
    )


@pytest.mark.parametrize("promise", SCENARIOS)
async def test_the_publisher_promises_that(promise: str, trials: Trials) -> None:
    await trials[promise]


async def connect_elsewhere(world: System, sink: Sink) -> None:
    """An account on another server."""
    request = AccountConnectRequested(
        account_id="elsewhere",
        platform="sandbox",
        settings={"url": f"{sink.url}/elsewhere"},
        sealed_credentials=seal({}, world.sealing_key.public_key),
    )
    await world.bus.emit(request)
    await world.bus.fact(AccountConnected.type, account_id="elsewhere")
