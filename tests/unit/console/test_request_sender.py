"""When a request is answered in full."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from services.console.requests.awaited_answers import AwaitedAnswers
from services.console.requests.required_queues import RequiredQueues
from services.console.requests.sender import BatchAnswers, RequestSender, any_of
from shared.events import Event
from shared.events.publisher import PublishSkipped
from shared.events.requests import ScheduleCancelRequested
from shared.events.scheduler import (
    PendingPost,
    ScheduleAccepted,
    ScheduleBatchSettled,
    ScheduleCancelled,
    ScheduleRejected,
    ScheduleSuperseded,
)
from shared.messaging.broker import PUBLISH_TIMEOUT, Outgoing, Publisher
from shared.messaging.envelope import Delivery
from tests.fakes.clock import FakeClock

NOON = datetime(2027, 3, 28, 12, tzinfo=UTC)


def settled(*waiting: str) -> ScheduleBatchSettled:
    pending = tuple(PendingPost(post_id=post_id, account_id="a") for post_id in waiting)
    return ScheduleBatchSettled(batch_id="b", accepted=(), rejected=(), pending=pending)


def accepted(post_id: str) -> ScheduleAccepted:
    return ScheduleAccepted(post_id=post_id, account_id="a", revision=2, publish_at=NOON, changed=True)


def rejected(post_id: str) -> ScheduleRejected:
    return ScheduleRejected(post_id=post_id, account_id="a", code="already_published", reason="it is out")


@pytest.mark.parametrize(
    ("facts", "waiting"),
    [
        ([settled()], []),
        ([settled("p")], ["p"]),
        ([settled("p", "q"), accepted("q")], ["p"]),
        ([settled("p", "q"), accepted("q"), rejected("p")], []),
        ([accepted("p"), settled("p")], []),
        ([settled("p", "p"), accepted("p")], ["p"]),
        ([settled("p", "p"), accepted("p"), rejected("p")], []),
    ],
)
def test_a_batch_is_answered_when_each_post_that_waited_is(facts: list[Event], waiting: list[str]) -> None:
    batch = BatchAnswers()

    are_complete = [batch.is_settled_by(fact) for fact in facts]

    assert [post_id for post_id, _ in batch.waiting] == waiting
    assert are_complete == [False] * (len(facts) - 1) + [not waiting]


def test_what_was_answered_alone_counts_as_if_it_had_been_in_the_batch_s_answer() -> None:
    batch = BatchAnswers()

    for fact in (settled("p", "q"), accepted("p"), rejected("q")):
        batch.is_settled_by(fact)

    assert ([one.post_id for one in batch.accepted], [one.post_id for one in batch.rejected]) == (["p"], ["q"])


@pytest.mark.parametrize(
    "fact",
    [
        PublishSkipped(post_id="p", account_id="a", revision=1, reason="superseded"),
        ScheduleSuperseded(post_id="p", account_id="a", revision=1, by=2),
        accepted("p"),
    ],
)
def test_nothing_else_answers_a_batch(fact: Event) -> None:
    assert BatchAnswers().is_settled_by(fact) is False


CANCELLED = ScheduleCancelled(post_id="p", account_id="a", revision=1, reason="a person's wish")


class Answering:
    """A broker behind which every request is answered at once."""

    def __init__(self, answers: AwaitedAnswers) -> None:
        self.answers = answers

    async def publish(self, outgoing: Outgoing, *, within: timedelta = PUBLISH_TIMEOUT) -> None:
        await self.answers.on_event(Delivery(CANCELLED, "another", outgoing.envelope.correlation_id, body=b"{}"))


async def has_queue(_: str) -> bool:
    return True


async def test_what_was_answered_has_not_failed_because_the_database_does_not_take_it() -> None:
    """Whoever was told that it failed would ask again, and a post without an id of theirs would be out twice."""

    async def learn(_: Delivery[Any]) -> None:
        raise TimeoutError

    answers = AwaitedAnswers()
    publisher = cast(Publisher, Answering(answers))
    sender = RequestSender(publisher, RequiredQueues({}, has_queue), answers, learn, FakeClock(NOON))

    told = await sender.send_and_wait(ScheduleCancelRequested(post_id="p"), any_of(ScheduleCancelled))

    assert (told.facts, told.is_complete) == ([CANCELLED], True)
    with pytest.raises(TimeoutError):  # for those who would read there what they wrote
        told.require_learned()
