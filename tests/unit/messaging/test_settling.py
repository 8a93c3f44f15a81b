"""Which letters a request is about, and how many are taken in hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.events.requests import DeadLetterReplayRequested
from shared.messaging.dead_letters.letter import REPLAYED_FOR_HEADER, Letter
from shared.messaging.dead_letters.queue import MOST, MOST_BYTES, next_size
from shared.messaging.dead_letters.settling import Choice
from shared.messaging.envelope import Delivery
from tests.fakes.incoming import incoming

NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)


def letter(*, size: int = 2, replayed_for: str = "an earlier one") -> Letter:
    headers = {"parked_at": NOON.isoformat(), REPLAYED_FOR_HEADER: replayed_for}
    return Letter.of(incoming(b"x" * size, message_id="m-1", headers=headers))


def choice(**asked: Any) -> Choice:
    request = DeadLetterReplayRequested(service="shop", **asked)
    return Choice.of(Delivery(request, "request-1", "c-1"))


@pytest.mark.parametrize(
    ("asked", "is_taken"),
    [
        ({}, True),
        ({"message_ids": ("m-1", "m-2")}, True),
        ({"message_ids": ("m-2",)}, False),
        ({"message_ids": ()}, False),
        ({"as_of": NOON}, True),
        ({"as_of": NOON - timedelta(microseconds=1)}, False),
        ({"message_ids": ("m-1",), "as_of": NOON - timedelta(hours=1)}, False),
    ],
)
def test_a_request_is_about_the_letters_it_names_and_none_that_was_parked_later(
    asked: dict[str, Any], is_taken: bool
) -> None:
    assert choice(**asked).takes(letter()) is is_taken


def test_a_letter_that_died_again_is_left_alone_by_the_request_that_replayed_it() -> None:
    """The request may come again, because the process was killed in the middle of it."""
    assert not choice().takes(letter(replayed_for="request-1"))
    assert choice().takes(letter())


def test_a_request_without_an_id_is_known_by_its_correlation() -> None:
    request = DeadLetterReplayRequested(service="shop")

    assert Choice.of(Delivery(request, None, "c-1")).request_id == "c-1"


@pytest.mark.parametrize(
    ("sizes", "following"),
    [([], MOST), ([0, 0], MOST), ([100] * 5, MOST), ([MOST_BYTES // 4] * 5, 4), ([2 * MOST_BYTES], 1)],
)
def test_fewer_letters_are_in_hand_where_they_are_large(sizes: list[int], following: int) -> None:
    assert next_size([letter(size=size) for size in sizes]) == following
