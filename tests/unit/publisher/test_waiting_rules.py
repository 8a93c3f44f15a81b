"""How long a post waits before it is tried again, and when its late policy speaks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.publisher.platforms.errors import NotSent, PlatformError, RateLimited, Transient, Unavailable
from services.publisher.sending.waiting import (
    JITTER,
    LONGEST_PAUSE,
    ON_TIME,
    backoff_of,
    deadline_of,
    next_try_at,
    pause_of,
)
from shared.events.requests import LatePolicy, RetryPolicy
from tests.support.publications import NOON, SECOND, a_case, requested

USUAL = RetryPolicy()
HASTY = RetryPolicy(attempts=10, first_delay_seconds=1, longest_delay_seconds=6)
durations = st.timedeltas(timedelta(0), timedelta(hours=3))


@pytest.mark.parametrize(
    ("policy", "tries", "seconds"),
    [
        (USUAL, 1, 5), (USUAL, 2, 10), (USUAL, 3, 20), (USUAL, 10, 2560), (USUAL, 11, 3600), (USUAL, 10_000, 3600),
        (HASTY, 1, 1), (HASTY, 2, 2), (HASTY, 3, 4), (HASTY, 4, 6), (HASTY, 9, 6),
    ],
)  # fmt: skip
def test_backoff_doubles_up_to_the_longest_delay(policy: RetryPolicy, tries: int, seconds: float) -> None:
    case = a_case(event=requested(retry=policy), publication={"tries": tries})

    assert backoff_of(case, Transient("busy")) == timedelta(seconds=seconds)
    assert backoff_of(replace(case, jitter=1), Transient("busy")) == timedelta(seconds=seconds * (1 + JITTER))


@pytest.mark.parametrize(("waits", "seconds"), [(0, 5), (1, 10), (2, 20), (5, 160), (6, 300), (10_000, 300)])
def test_a_pause_without_a_try_doubles_up_to_five_minutes(waits: int, seconds: float) -> None:
    case = a_case(publication={"waits": waits})

    assert pause_of(case, NotSent("no connection")) == timedelta(seconds=seconds)
    assert pause_of(replace(case, jitter=1), NotSent("no connection")) == timedelta(seconds=seconds * (1 + JITTER))


@given(st.integers(0, 100), st.floats(0, 1))
def test_pauses_never_pass_the_longest_but_by_their_jitter(waits: int, jitter: float) -> None:
    pause = pause_of(a_case(publication={"waits": waits}, jitter=jitter), NotSent("no connection"))

    assert timedelta(seconds=5) <= pause <= timedelta(seconds=LONGEST_PAUSE * (1 + JITTER))


def test_a_person_who_asks_again_begins_with_the_first_delay() -> None:
    case = a_case(publication={"tries": 4, "tries_before": 3})

    assert backoff_of(case, Transient("busy")) == 5 * SECOND


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Unavailable("HTTP 503"), 5),
        (Unavailable("HTTP 503", retry_after=SECOND), 5),
        (Unavailable("HTTP 503", retry_after=90 * SECOND), 90),
        (RateLimited("HTTP 429", retry_after=90 * SECOND), 90),
        (NotSent("no connection"), 5),
    ],
)
def test_a_network_may_ask_for_a_longer_pause(error: PlatformError, seconds: float) -> None:
    assert pause_of(a_case(), error) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("asked_for", "seconds"), [(None, 5), (SECOND, 5), (90 * SECOND, 90)])
def test_a_network_may_ask_for_a_longer_backoff(asked_for: Any, seconds: float) -> None:
    case = a_case(publication={"tries": 1})

    assert backoff_of(case, Transient("busy", retry_after=asked_for)) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("grace", "seconds"), [(0, 2), (1, 2), (60, 60), (3600, 3600)])
def test_no_policy_minds_what_counts_as_on_time(grace: float, seconds: float) -> None:
    event = requested(late_policy=LatePolicy(mode="skip", grace_seconds=grace))

    assert deadline_of(a_case(event=event)) == NOON + timedelta(seconds=seconds)


def test_lateness_counts_from_when_a_person_asked_again() -> None:
    event = requested(late_policy=LatePolicy(mode="hold", grace_seconds=60))

    assert deadline_of(a_case(event=event, publication={"due_at": NOON + 3600 * SECOND})) == NOON + 3660 * SECOND


@given(durations, durations)
def test_a_try_is_put_off_by_its_delay_or_to_the_last_moment_before_the_deadline(
    delay: timedelta, left: timedelta
) -> None:
    at = next_try_at(NOON, delay, NOON + left)

    if delay < left:
        assert at == NOON + delay
    elif at is not None:
        assert NOON + delay / 2 <= at < NOON + left


def test_a_last_chance_is_taken_only_after_half_the_delay() -> None:
    assert next_try_at(NOON, 10 * SECOND, NOON + 6 * SECOND) == NOON + 6 * SECOND - ON_TIME / 4
    assert next_try_at(NOON, 10 * SECOND, NOON + 5 * SECOND) is None
