"""Attempts to sign in: too many failures within five minutes, and the address waits."""

from datetime import UTC, datetime, timedelta

import pytest

from services.console.access.attempts import (
    MOST_ADDRESSES,
    MOST_FAILURES,
    MOST_IN_ALL,
    WINDOW,
    SignInAttempts,
    source_of,
)

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def failed(attempts: SignInAttempts, times: int, at: datetime = NOW, address: str = "here") -> None:
    for _ in range(times):
        attempts.failed(address, at)


def test_too_many_failures_make_an_address_wait_until_the_window_has_passed() -> None:
    attempts = SignInAttempts()
    failed(attempts, MOST_FAILURES - 1)
    assert attempts.wait("here", NOW) == timedelta(0)

    failed(attempts, 1)

    assert attempts.wait("here", NOW) == WINDOW
    assert attempts.wait("elsewhere", NOW) == timedelta(0)
    assert attempts.wait("here", NOW + WINDOW) == timedelta(0)


def test_who_knows_the_token_starts_anew() -> None:
    attempts = SignInAttempts()
    failed(attempts, MOST_FAILURES)

    attempts.succeeded("here")

    assert attempts.wait("here", NOW) == timedelta(0)


def test_no_more_addresses_are_remembered_than_there_is_room_for() -> None:
    attempts = SignInAttempts()
    for number in range(MOST_ADDRESSES + 10):
        failed(attempts, 1, address=str(number))

    assert len(attempts._failures) <= MOST_ADDRESSES


def test_an_address_that_has_failed_long_ago_is_counted_anew() -> None:
    attempts = SignInAttempts()
    failed(attempts, MOST_FAILURES - 1)

    failed(attempts, 1, at=NOW + WINDOW)

    assert attempts.wait("here", NOW + WINDOW) == timedelta(0)


def test_guesses_from_many_addresses_make_strangers_wait_but_not_who_has_signed_in_before() -> None:
    attempts = SignInAttempts()
    attempts.succeeded("home")
    for number in range(MOST_IN_ALL):
        failed(attempts, 1, address=f"192.0.2.{number}")

    assert attempts.wait("elsewhere", NOW) == WINDOW
    assert attempts.wait("home", NOW) == timedelta(0)
    assert attempts.wait("elsewhere", NOW + WINDOW) == timedelta(0)


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_whoever_has_a_network_of_addresses_is_one(address: str, source: str) -> None:
    assert source_of(address) == source


def test_a_clock_that_is_set_back_has_nobody_wait_for_longer() -> None:
    attempts = SignInAttempts()
    for _ in range(MOST_FAILURES):
        attempts.failed("198.51.100.7", NOW)

    assert attempts.wait("198.51.100.7", NOW - timedelta(hours=1)) == timedelta(0)
