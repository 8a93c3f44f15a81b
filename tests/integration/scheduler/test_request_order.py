"""A request that a passing error put off comes back after later ones, and changes nothing that they decided."""

from datetime import timedelta

import pytest

from shared.events.progress import State
from shared.events.requests import ScheduleCancelRequested
from shared.events.scheduler import ScheduleAccepted, ScheduleRejected
from tests.support.schedules import NOON, post
from tests.support.scheduling import Replica

SECOND = timedelta(seconds=1)


def code_of(answers: list[object]) -> str:
    (answer,) = answers
    assert isinstance(answer, ScheduleRejected)
    return answer.code


async def test_an_edit_that_was_put_off_does_not_win_over_a_later_one(replica: Replica) -> None:
    await replica.take(post(content="first"))
    await replica.reach(NOON + 2 * SECOND)
    await replica.take(post(content="B"))
    await replica.reach(NOON + 6 * SECOND)

    answers = await replica.take(post(content="A"), put_off_since=NOON + SECOND)

    assert code_of([*answers]) == "conflict"
    assert (await replica.schedule()).content == "B"


async def test_whoever_confirmed_the_post_in_between_is_remembered(replica: Replica) -> None:
    await replica.take(post(content="first"))
    await replica.reach(NOON + 2 * SECOND)
    await replica.take(post(content="first"))

    answers = await replica.take(post(content="A"), put_off_since=NOON + SECOND)

    assert code_of([*answers]) == "conflict"
    assert (await replica.schedule()).content == "first"


@pytest.mark.parametrize("account_ids", [None, ("acct-1",)], ids=["whole post", "account"])
async def test_a_cancellation_of_what_had_been_put_off_is_remembered(
    replica: Replica, account_ids: tuple[str, ...] | None
) -> None:
    await replica.reach(NOON + 2 * SECOND)
    cancel = ScheduleCancelRequested(post_id="post-1", account_ids=account_ids)
    assert code_of([*await replica.take(cancel)]) == "not_found"

    answers = await replica.take(post(), put_off_since=NOON + SECOND)

    assert code_of([*answers]) == "conflict"
    (scheduled_anew,) = await replica.take(post())
    assert isinstance(scheduled_anew, ScheduleAccepted)
    assert (await replica.schedule()).state is State.SCHEDULED


async def test_what_waits_for_the_publisher_is_not_overtaken_either(replica: Replica) -> None:
    await replica.take(post(publish_at=NOON + 10 * SECOND))
    await replica.dispatched()
    await replica.reach(NOON + 2 * SECOND)
    assert await replica.take(post(content="B"))

    answers = await replica.take(post(content="A"), put_off_since=NOON + SECOND)

    assert code_of([*answers]) == "conflict"
