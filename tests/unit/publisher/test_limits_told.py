"""What is told of an account's limits is what the next post would find."""

from datetime import timedelta

from services.publisher.limits.bucket import Bucket
from services.publisher.limits.told import told
from services.publisher.limits.windows import windows_of
from shared.events.limits import LimitUse
from tests.support.publications import a_stored_account
from tests.support.schedules import NOON

SECOND = timedelta(seconds=1)


def test_what_was_sent_within_a_window_is_used_and_the_next_start_is_told() -> None:
    windows = windows_of({"per_minute": 4, "per_day": 4})
    bucket = Bucket(windows)
    for seconds in (70, 50, 40, 30):
        bucket.take(NOON - seconds * SECOND, NOON - seconds * SECOND)

    answer = told("a", a_stored_account(), {"a": windows}, {"a": bucket.kept()}, NOON)

    assert answer.limits == (LimitUse(most=4, seconds=60, used=3), LimitUse(most=4, seconds=86400, used=4))
    assert answer.free_at == bucket.earliest(NOON)
    assert answer.free_at > NOON


def test_an_account_with_room_may_send_now_and_what_its_app_shares_is_named() -> None:
    gates = {"a": windows_of({"per_minute": 3}), "app:x:1": windows_of({"per_day": 20})}

    answer = told("a", a_stored_account(closed_until=NOON + SECOND), gates, {}, NOON)

    assert [(one.used, one.is_shared) for one in answer.limits] == [(0, False), (0, True)]
    assert answer.free_at is None
    assert answer.closed_until == NOON + SECOND


def test_what_is_but_the_rest_of_a_millisecond_away_is_now() -> None:
    now = NOON + timedelta(microseconds=530)

    assert told("a", a_stored_account(), {"a": windows_of({"per_minute": 3})}, {}, now).free_at is None


def test_an_account_without_limits_has_none() -> None:
    answer = told("nobody", None, {}, {}, NOON)

    assert (answer.limits, answer.free_at, answer.closed_until) == ((), None, None)
