"""An account whose requests get no answer sends one at a time, until one of them is answered."""

import asyncio
from collections.abc import Callable

import pytest

from services.publisher.limits.circuit_breaker import FIRST_REST, FORGET_AFTER, LONGEST_REST, CircuitOpen, Turn
from services.publisher.limits.silences import OPENS_AFTER, Silences


class SetTime:
    """The loop's time, as the test sets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.now)


@pytest.fixture
async def time(monkeypatch: pytest.MonkeyPatch) -> SetTime:
    return SetTime(monkeypatch)


def asked(silences: Silences, time: SetTime, account_id: str = "ours", *, seconds: float = 1.0) -> Callable[..., None]:
    """A request of the account leaves; it ends as it is said, after so many seconds."""
    turn = Turn(silences.begin(account_id))
    turn.count_from(time.now)

    def ends(*, was_answered: bool | None) -> None:
        time.now += seconds
        turn.was_answered = was_answered
        turn.end()

    return ends


def fall_silent(silences: Silences, time: SetTime, times: int = OPENS_AFTER, *, seconds: float = 1.0) -> None:
    for _ in range(times):
        asked(silences, time, seconds=seconds)(was_answered=False)


def rest_of(silences: Silences, account_id: str = "ours") -> float:
    with pytest.raises(CircuitOpen) as error:
        silences.most(account_id)
    return error.value.rest_seconds


async def test_a_few_silences_change_nothing(time: SetTime) -> None:
    silences = Silences()

    fall_silent(silences, time, OPENS_AFTER - 1)

    assert silences.most("ours") is None


async def test_after_more_the_account_rests_and_no_other_does(time: SetTime) -> None:
    silences = Silences()

    fall_silent(silences, time)

    assert rest_of(silences) == FIRST_REST
    assert silences.most("another") is None


async def test_then_there_is_one_trial_at_a_time(time: SetTime) -> None:
    silences = Silences()
    fall_silent(silences, time)

    time.now += FIRST_REST
    assert silences.most("ours") == 1
    trial = asked(silences, time)
    assert rest_of(silences) == FIRST_REST

    trial(was_answered=False)
    assert rest_of(silences) > FIRST_REST


@pytest.mark.parametrize("seconds", [20.0, 3600.0])
async def test_the_longer_it_lasts_the_longer_is_the_rest_up_to_a_bound(time: SetTime, seconds: float) -> None:
    silences = Silences()

    fall_silent(silences, time, OPENS_AFTER - 1, seconds=0)
    fall_silent(silences, time, 1, seconds=seconds)

    assert rest_of(silences) == min(seconds, LONGEST_REST)


async def test_an_answer_ends_it(time: SetTime) -> None:
    silences = Silences()
    fall_silent(silences, time)
    time.now += FIRST_REST

    asked(silences, time)(was_answered=True)

    assert silences.most("ours") is None
    fall_silent(silences, time, OPENS_AFTER - 1)
    assert silences.most("ours") is None, "it counts anew"


async def test_an_answer_between_silences_ends_their_row(time: SetTime) -> None:
    silences = Silences()

    fall_silent(silences, time, OPENS_AFTER - 1)
    asked(silences, time)(was_answered=True)
    fall_silent(silences, time, OPENS_AFTER - 1)

    assert silences.most("ours") is None


async def test_a_trial_that_asked_nothing_leaves_it_to_the_next(time: SetTime) -> None:
    silences = Silences()
    fall_silent(silences, time)
    time.now += FIRST_REST

    asked(silences, time)(was_answered=None)

    assert silences.most("ours") == 1


async def test_the_answer_to_a_request_of_before_ends_it_though_a_trial_is_under_way(time: SetTime) -> None:
    silences = Silences()
    slow = asked(silences, time)
    fall_silent(silences, time)
    time.now += FIRST_REST
    trial = asked(silences, time)

    slow(was_answered=True)

    assert silences.most("ours") is None
    trial(was_answered=False)
    assert silences.most("ours") is None


async def test_accounts_of_long_ago_are_forgotten(time: SetTime) -> None:
    silences = Silences()
    fall_silent(silences, time)

    time.now += FORGET_AFTER
    asked(silences, time, "another")(was_answered=False)

    assert silences.most("ours") is None
