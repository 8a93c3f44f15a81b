"""What is told of a batch: one answer, or single facts where that would be larger than any message may be."""

from collections.abc import Sequence

import pytest

from services.scheduler.domain import Accepted, Decision, Rejected, Waiting
from services.scheduler.origin import Origin
from services.scheduler.requests import MOST_TARGETS_IN_A_BATCH, SURELY_ONE_MESSAGE, BatchRequest
from shared.events.scheduler import RejectedPost, ScheduleAccepted, ScheduleBatchSettled, ScheduleRejected
from shared.messaging.envelope import MAX_BODY_BYTES
from tests.support.schedules import NOON, schedule, wanted

LONGEST = "ж" * 190
UNREADABLE = RejectedPost(post_id="p-0", code="invalid", reason="content: it is missing")
BATCH = BatchRequest(
    wanted=(), inbox_id=None, origin=Origin("c-1", "r-1", NOON), batch_id="batch", refused=(UNREADABLE,)
)


def decision(number: int) -> Decision:
    post_id, account_id = f"{LONGEST}{number}", LONGEST
    if number % 3 == 0:
        return Rejected(post_id, account_id, "invalid", f"content: the post for {account_id!r} is too long")
    if number % 3 == 1:
        return Waiting(post_id, account_id)
    made = schedule(wanted(post_id=post_id, account_id=account_id))
    return Accepted(made, changed=True, request_id="r-1", is_known=False)


def decisions(count: int) -> Sequence[Decision]:
    return [decision(number) for number in range(count)]


@pytest.mark.parametrize("count", [1, SURELY_ONE_MESSAGE])
def test_a_batch_is_settled_by_one_answer(count: int) -> None:
    (answer,) = BATCH.tell(decisions(count), {})

    assert isinstance(answer, ScheduleBatchSettled)
    assert len(answer.accepted) + len(answer.rejected) + len(answer.pending) == count + 1
    assert len(answer.body()) <= MAX_BODY_BYTES


def test_what_is_larger_than_a_message_may_be_is_settled_by_single_facts() -> None:
    answer, *facts = BATCH.tell(decisions(MOST_TARGETS_IN_A_BATCH), {})

    assert isinstance(answer, ScheduleBatchSettled)
    assert (answer.accepted, answer.rejected, answer.pending) == ((), (UNREADABLE,), ())
    told = {fact.post_id for fact in facts if isinstance(fact, ScheduleAccepted | ScheduleRejected)}
    assert told == {f"{LONGEST}{number}" for number in range(MOST_TARGETS_IN_A_BATCH) if number % 3 != 1}
    assert {fact.request_id for fact in facts if isinstance(fact, ScheduleAccepted)} == {"r-1"}
