"""An account whose requests all fail sends one at a time, until its network answers for one of them."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from services.publisher.limits.account_circuits import OPENS_AFTER, AccountCircuits
from services.publisher.limits.circuit_breaker import FIRST_REST, FORGET_AFTER, LONGEST_REST, CircuitOpen, Turn
from services.publisher.platforms.errors import (
    NotSent,
    PlatformError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    Unavailable,
    Unconfirmed,
)

FAILURE = Unconfirmed("the reply makes no sense: 502")


class SetTime:
    """The loop's time, as the test sets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.now)


@pytest.fixture
async def time(monkeypatch: pytest.MonkeyPatch) -> SetTime:
    return SetTime(monkeypatch)


def asked(
    circuits: AccountCircuits, time: SetTime, account_id: str = "ours", *, seconds: float = 1.0, heavier: float = 0.0
) -> Callable[..., None]:
    """A request of the account leaves; it ends as it is said, after so many seconds."""
    turn = Turn(circuits.begin(account_id))
    turn.begin(timedelta(seconds=heavier))

    def ends(error: PlatformError | None, *, was_answered: bool | None = None) -> None:
        time.now += seconds
        turn.error, turn.was_answered = error, was_answered
        turn.end()

    return ends


def fail(circuits: AccountCircuits, time: SetTime, times: int = OPENS_AFTER, *, seconds: float = 1.0) -> None:
    for _ in range(times):
        asked(circuits, time, seconds=seconds)(FAILURE)


def rest_of(circuits: AccountCircuits, account_id: str = "ours") -> float:
    with pytest.raises(CircuitOpen) as error:
        circuits.most(account_id)
    return error.value.rest_seconds


async def test_a_few_failures_change_nothing(time: SetTime) -> None:
    circuits = AccountCircuits()

    fail(circuits, time, OPENS_AFTER - 1)

    assert circuits.most("ours") is None


async def test_after_more_the_account_rests_and_no_other_does(time: SetTime) -> None:
    circuits = AccountCircuits()

    fail(circuits, time)

    assert rest_of(circuits) == FIRST_REST
    assert circuits.most("another") is None


async def test_then_there_is_one_trial_at_a_time(time: SetTime) -> None:
    circuits = AccountCircuits()
    fail(circuits, time)

    time.now += FIRST_REST
    assert circuits.most("ours") == 1
    trial = asked(circuits, time)
    assert rest_of(circuits) == FIRST_REST

    trial(FAILURE)
    assert rest_of(circuits) > FIRST_REST


@pytest.mark.parametrize("seconds", [20.0, 3600.0])
async def test_the_longer_it_lasts_the_longer_is_the_rest_up_to_a_bound(time: SetTime, seconds: float) -> None:
    circuits = AccountCircuits()

    fail(circuits, time, OPENS_AFTER - 1, seconds=0)
    fail(circuits, time, 1, seconds=seconds)

    assert rest_of(circuits) == min(seconds, LONGEST_REST)


async def test_an_answer_ends_it(time: SetTime) -> None:
    circuits = AccountCircuits()
    fail(circuits, time)
    time.now += FIRST_REST

    asked(circuits, time)(None, was_answered=True)

    assert circuits.most("ours") is None
    fail(circuits, time, OPENS_AFTER - 1)
    assert circuits.most("ours") is None, "it counts anew"


async def test_an_answer_between_circuits_ends_their_row(time: SetTime) -> None:
    circuits = AccountCircuits()

    fail(circuits, time, OPENS_AFTER - 1)
    asked(circuits, time)(None, was_answered=True)
    fail(circuits, time, OPENS_AFTER - 1)

    assert circuits.most("ours") is None


async def test_a_trial_that_asked_nothing_leaves_it_to_the_next(time: SetTime) -> None:
    circuits = AccountCircuits()
    fail(circuits, time)
    time.now += FIRST_REST

    asked(circuits, time)(None)

    assert circuits.most("ours") == 1


async def test_the_answer_to_a_request_of_before_ends_it_though_a_trial_is_under_way(time: SetTime) -> None:
    circuits = AccountCircuits()
    slow = asked(circuits, time)
    fail(circuits, time)
    time.now += FIRST_REST
    trial = asked(circuits, time)

    slow(None, was_answered=True)

    assert circuits.most("ours") is None
    trial(FAILURE)
    assert circuits.most("ours") is None


async def test_accounts_of_long_ago_are_forgotten(time: SetTime) -> None:
    circuits = AccountCircuits()
    fail(circuits, time)

    time.now += FORGET_AFTER
    asked(circuits, time, "another")(FAILURE)

    assert circuits.most("ours") is None


@pytest.mark.parametrize("error", [FAILURE, NotSent("refused"), Transient("408"), Unavailable("503")], ids=repr)
async def test_what_says_nothing_of_the_post_counts_and_is_told(time: SetTime, error: PlatformError) -> None:
    circuits = AccountCircuits()
    fail(circuits, time, OPENS_AFTER - 1)

    asked(circuits, time)(error, was_answered=True)

    with pytest.raises(CircuitOpen, match=f"5 requests of 'ours' failed, the latest with: {error}"):
        circuits.most("ours")


@pytest.mark.parametrize(
    "error", [Rejected("no"), Unauthorized("no"), RateLimited("wait", retry_after=timedelta(seconds=1))], ids=repr
)
async def test_what_is_said_of_the_post_or_the_account_closes_the_circuit(time: SetTime, error: PlatformError) -> None:
    circuits = AccountCircuits()
    fail(circuits, time)
    time.now += FIRST_REST

    asked(circuits, time)(error, was_answered=True)

    assert circuits.most("ours") is None


@pytest.mark.parametrize("heavier", [0.0, 60.0], ids=["texts", "pictures"])
async def test_what_left_before_an_answer_and_fails_after_it_does_not_count(time: SetTime, heavier: float) -> None:
    circuits = AccountCircuits()
    hanging = [asked(circuits, time, heavier=heavier) for _ in range(OPENS_AFTER)]

    asked(circuits, time)(None, was_answered=True)
    for one in hanging:
        one(FAILURE)

    assert circuits.most("ours") is None


async def test_of_accounts_that_are_well_nothing_is_kept_for_ever(time: SetTime) -> None:
    circuits = AccountCircuits()

    for number in range(100):
        asked(circuits, time, f"account-{number % 90}", seconds=FORGET_AFTER / 10)(None, was_answered=True)

    assert set(circuits._answered_at) == {f"account-{number % 90}" for number in range(89, 100)}
