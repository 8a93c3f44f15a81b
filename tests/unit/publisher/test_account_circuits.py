"""An account whose requests all fail sends one at a time, until its network answers for one of them."""

import asyncio
from collections.abc import Callable

import pytest

from services.publisher.limits.account_circuits import OPENS_AFTER, AccountCircuits
from services.publisher.limits.circuit_breaker import FIRST_REST, FORGET_AFTER, LONGEST_REST, CircuitOpen, Turn


class SetTime:
    """The loop's time, as the test sets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.now)


@pytest.fixture
async def time(monkeypatch: pytest.MonkeyPatch) -> SetTime:
    return SetTime(monkeypatch)


def asked(
    circuits: AccountCircuits, time: SetTime, account_id: str = "ours", *, seconds: float = 1.0
) -> Callable[..., None]:
    """A request of the account leaves; it ends as it is said, after so many seconds."""
    turn = Turn(circuits.begin(account_id))
    turn.count_from(time.now)

    def ends(*, is_unwell: bool | None) -> None:
        time.now += seconds
        turn.network_is_unwell = is_unwell
        turn.end()

    return ends


def fail(circuits: AccountCircuits, time: SetTime, times: int = OPENS_AFTER, *, seconds: float = 1.0) -> None:
    for _ in range(times):
        asked(circuits, time, seconds=seconds)(is_unwell=True)


def rest_of(circuits: AccountCircuits, account_id: str = "ours") -> float:
    with pytest.raises(CircuitOpen) as error:
        circuits.most(account_id)
    return error.value.rest_seconds


async def test_a_few_circuits_change_nothing(time: SetTime) -> None:
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

    trial(is_unwell=True)
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

    asked(circuits, time)(is_unwell=False)

    assert circuits.most("ours") is None
    fail(circuits, time, OPENS_AFTER - 1)
    assert circuits.most("ours") is None, "it counts anew"


async def test_an_answer_between_circuits_ends_their_row(time: SetTime) -> None:
    circuits = AccountCircuits()

    fail(circuits, time, OPENS_AFTER - 1)
    asked(circuits, time)(is_unwell=False)
    fail(circuits, time, OPENS_AFTER - 1)

    assert circuits.most("ours") is None


async def test_a_trial_that_asked_nothing_leaves_it_to_the_next(time: SetTime) -> None:
    circuits = AccountCircuits()
    fail(circuits, time)
    time.now += FIRST_REST

    asked(circuits, time)(is_unwell=None)

    assert circuits.most("ours") == 1


async def test_the_answer_to_a_request_of_before_ends_it_though_a_trial_is_under_way(time: SetTime) -> None:
    circuits = AccountCircuits()
    slow = asked(circuits, time)
    fail(circuits, time)
    time.now += FIRST_REST
    trial = asked(circuits, time)

    slow(is_unwell=False)

    assert circuits.most("ours") is None
    trial(is_unwell=True)
    assert circuits.most("ours") is None


async def test_accounts_of_long_ago_are_forgotten(time: SetTime) -> None:
    circuits = AccountCircuits()
    fail(circuits, time)

    time.now += FORGET_AFTER
    asked(circuits, time, "another")(is_unwell=True)

    assert circuits.most("ours") is None
