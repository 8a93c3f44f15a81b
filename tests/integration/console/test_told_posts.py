"""What the scheduler tells of posts that are over: true where the publisher keeps them no longer, and less than the
publisher's own word where it does."""

from itertools import permutations

import pytest

from services.console.reactions import reactions_of
from services.console.rebuilding import Rebuilding
from shared.events import Event
from shared.events.progress import State
from shared.events.publisher import PublishFailed, PublishSkipped
from shared.events.rebuilding import FactTold, ScheduleTold, StateTold
from shared.messaging.envelope import Delivery
from tests.integration.console.conftest import ReadModel
from tests.integration.console.test_read_model import ERROR, NOON, learn, succeeded

OVER = (
    (State.PUBLISHED, succeeded("p", at=NOON), "platform_post_id"),
    (State.FAILED, PublishFailed(post_id="p", account_id="a", revision=1, attempts=1, error=ERROR), "error"),
    (State.SKIPPED, PublishSkipped(post_id="p", account_id="a", revision=1, reason="too_late"), "reason"),
)


def told(state: State) -> StateTold:
    schedule = ScheduleTold(
        post_id="p", account_id="a", revision=1, state=state, request_id="r", publish_at=NOON, content="It fell."
    )
    return StateTold(service="scheduler", schedules=(schedule,))


def repeated(fact: Event) -> StateTold:
    body = fact.model_dump(mode="json", exclude_none=True, by_alias=True)
    return StateTold(service="publisher", facts=(FactTold(type=fact.type, correlation_id="c", body=body),))


async def rebuild(model: ReadModel, *parts: StateTold) -> None:
    projector = model.projector
    rebuilding = Rebuilding(projector.store, reactions_of(projector), projector.clock)
    for number, part in enumerate(parts):
        await rebuilding.on_state_told(Delivery(part, f"m-{number}", f"c-{number}"))


@pytest.mark.parametrize("state", [state for state, _, _ in OVER])
async def test_a_post_that_only_the_scheduler_keeps_is_shown_as_it_ended(read_model: ReadModel, state: State) -> None:
    await rebuild(read_model, told(state))

    (listed,) = await read_model.queries.post("p")

    assert (listed.post.state, listed.due_at) == (state, NOON)


@pytest.mark.parametrize(("state", "fact", "said"), OVER, ids=[state for state, _, _ in OVER])
async def test_the_publishers_own_word_counts_more_in_either_order(
    read_model: ReadModel, state: State, fact: Event, said: str
) -> None:
    await learn(read_model, fact)
    (before,) = await read_model.queries.post("p")
    for parts in permutations((told(state), repeated(fact))):
        await rebuild(read_model, *parts)

    (listed,) = await read_model.queries.post("p")

    assert listed.post.standing == before.post.standing
    assert getattr(listed.post.standing, said)
