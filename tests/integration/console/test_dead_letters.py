"""Dead letters in the read model: what rests is listed, in whatever order and however often it is told of."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

from services.console.read_model.dead_letters import cursor_of
from services.console.retention import RULES
from shared.events.dead_letters import DeadLetterDropped, DeadLetterParked, DeadLetterReplayed, SettledLetter
from shared.messaging.envelope import Delivery
from tests.integration.console.conftest import ReadModel

NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

Fact = DeadLetterParked | DeadLetterReplayed | DeadLetterDropped


def parked(message_id: str = "m-1", at: datetime = NOON, **changes: Any) -> DeadLetterParked:
    usual = {"service": "scheduler", "queue": "scheduler.requests", "message_type": "schedule.requested"}
    said = {"reason": "content: this field is required", "payload": "{}", "size": 2}
    return DeadLetterParked(**{**usual, **said, "message_id": message_id, "parked_at": at, **changes})


def replayed(*letters: DeadLetterParked, **changes: Any) -> DeadLetterReplayed:
    return DeadLetterReplayed(**_settled(letters), **changes)


def dropped(*letters: DeadLetterParked, **changes: Any) -> DeadLetterDropped:
    return DeadLetterDropped(**_settled(letters), **changes)


def _settled(letters: tuple[DeadLetterParked, ...]) -> dict[str, Any]:
    gone = tuple(SettledLetter(message_id=one.message_id, parked_at=one.parked_at, queue=one.queue) for one in letters)
    return {"service": "scheduler", "count": len(letters), "letters": gone, "looked_at": NOON + MINUTE}


async def tell(read_model: ReadModel, *facts: Fact) -> None:
    for fact in facts:
        delivery: Delivery[Any] = Delivery(fact, None, "c")
        if isinstance(fact, DeadLetterParked):
            await read_model.projector.on_dead_letter_parked(delivery)
        else:
            await read_model.projector.on_dead_letters_settled(delivery)


async def resting(read_model: ReadModel, *services: str, post_id: str | None = None) -> list[str]:
    rows = await read_model.queries.dead_letters.resting(services, post_id, None, 100)
    return [row["message_id"] for row in rows]


async def test_what_rests_is_listed_the_latest_first(read_model: ReadModel) -> None:
    first, second = parked("m-1"), parked("m-2", NOON + MINUTE, service="publisher", queue=None, post_id="post-1")

    await tell(read_model, first, second, first)

    assert await resting(read_model) == ["m-2", "m-1"]
    assert await resting(read_model, "scheduler") == ["m-1"]
    assert await resting(read_model, post_id="post-1") == ["m-2"]


async def test_a_letter_that_was_replayed_and_died_again_rests_in_whatever_order_it_is_told(
    read_model: ReadModel,
) -> None:
    for number, order in enumerate(permutations(range(3))):
        first = parked(f"m-{number}")
        again = parked(f"m-{number}", NOON + MINUTE, replays=1, reason="still no content")
        facts: list[Fact] = [first, replayed(first, resting=1), again]

        await tell(read_model, *(facts[place] for place in order))

    rows = await read_model.queries.dead_letters.resting((), None, None, 100)
    assert [(row["replays"], row["reason"]) for row in rows] == [(1, "still no content")] * 6


async def test_a_dropped_letter_is_listed_no_more_even_if_it_is_told_of_later(read_model: ReadModel) -> None:
    one, other = parked("m-1"), parked("m-2")

    await tell(read_model, one, other, dropped(one, resting=1), one)

    assert await resting(read_model) == ["m-2"]


async def test_what_was_taken_away_unseen_is_listed_until_a_service_finds_nothing(read_model: ReadModel) -> None:
    """Somebody emptied the queue in RabbitMQ's own page."""
    ghost, later, elsewhere = parked("ghost"), parked("later", NOON + 2 * MINUTE), parked("m-1", service="publisher")
    await tell(read_model, ghost, later, elsewhere)

    await tell(read_model, dropped(resting=1))
    before = await resting(read_model)
    await tell(read_model, dropped(resting=0, is_last=True))

    assert set(before) == {"ghost", "later", "m-1"}
    assert await resting(read_model) == ["later", "m-1"]


async def test_one_message_that_died_in_two_queues_is_two_letters(read_model: ReadModel) -> None:
    one, other = parked(queue="maintenance.news"), parked(queue="maintenance.outcomes")

    await tell(read_model, one, other, replayed(one, resting=1))

    rows = await read_model.queries.dead_letters.resting((), None, None, 100)
    assert [row["queue"] for row in rows] == ["maintenance.outcomes"]


async def test_pages_follow_one_another_without_a_gap(read_model: ReadModel) -> None:
    await tell(read_model, *(parked(f"m-{number}", NOON + number // 3 * MINUTE) for number in range(10)))
    letters, seen, after = read_model.queries.dead_letters, list[str](), None

    while page := await letters.resting((), None, after, 3):
        seen += [row["message_id"] for row in page]
        after = cursor_of(page[-1])

    assert seen == await resting(read_model)
    assert len(set(seen)) == 10


def test_old_letters_go_with_the_retention() -> None:
    assert [rule.table.name for rule in RULES].count("dead_letters") == 2
