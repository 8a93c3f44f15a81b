"""A broker whose queues refuse messages for good is told apart from one that has no room for a moment."""

import pytest

from shared.messaging.refusing import GOES_ON_SECONDS, OVER_SECONDS, Refusing

REFUSAL = Exception("the broker refused one: a queue that it goes to is full, or fails")
TYPE = "service.reported"
MINUTE = 60.0


def refusing(*instants: float) -> Refusing:
    """An event was refused at each of these."""
    refusing = Refusing()
    for instant in instants:
        refusing.note(TYPE, REFUSAL, instant)
    return refusing


@pytest.mark.parametrize("instants", [(0, 1, 2, 3, 4), (0, MINUTE)], ids=["every second", "every minute"])
def test_what_goes_on_is_told_with_the_way_out(instants: tuple[float, ...]) -> None:
    problem = refusing(*instants).problem(instants[-1] + 1)

    assert problem is not None
    assert problem.startswith(str(REFUSAL))
    assert "restart RabbitMQ" in problem


@pytest.mark.parametrize(
    ("instants", "now"),
    [
        ((), 0),
        ((0,), 0),
        ((0, GOES_ON_SECONDS / 2), GOES_ON_SECONDS),
        ((0, 1, 2, 3, 4), 4 + OVER_SECONDS + 1),
        ((0, OVER_SECONDS + 1), OVER_SECONDS + 1),
    ],
    ids=["never", "once", "for a moment", "over", "again, long afterwards"],
)
def test_what_does_not_go_on_is_no_problem(instants: tuple[float, ...], now: float) -> None:
    assert refusing(*instants).problem(now) is None


def test_it_is_over_when_the_same_is_taken_and_not_when_something_else_is() -> None:
    broker = refusing(0, 1, 2, 3, 4)

    broker.note_taken("timer.fired")
    assert broker.problem(5)
    broker.note_taken(TYPE)
    assert broker.problem(5) is None
