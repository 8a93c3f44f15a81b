"""Wrong tokens: too many within five minutes, and the address waits."""

from datetime import UTC, datetime, timedelta

import pytest

from services.console.access.attempts import (
    MOST_ADDRESSES,
    MOST_FAILURES,
    MOST_IN_ALL,
    WINDOW,
    Attempts,
    source_of,
)

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def failed(attempts: Attempts, times: int, at: datetime = NOW, address: str = "here") -> None:
    for _ in range(times):
        attempts.failed(address, at)


def test_too_many_failures_make_an_address_wait_until_the_window_has_passed() -> None:
    attempts = Attempts()
    failed(attempts, MOST_FAILURES - 1)
    assert attempts.wait("here", NOW) == timedelta(0)

    failed(attempts, 1)

    assert attempts.wait("here", NOW) == WINDOW
    assert attempts.wait("elsewhere", NOW) == timedelta(0)
    assert attempts.wait("here", NOW + WINDOW) == timedelta(0)


def test_who_signs_in_starts_anew() -> None:
    attempts = Attempts()
    failed(attempts, MOST_FAILURES)

    attempts.forgive("here")

    assert attempts.wait("here", NOW) == timedelta(0)


def test_a_right_token_is_no_excuse_for_guesses_of_another() -> None:
    attempts = Attempts()
    failed(attempts, MOST_FAILURES)

    attempts.succeeded("here")

    assert attempts.wait("here", NOW) == WINDOW


def test_the_same_wrong_token_of_a_program_again_and_again_is_one_guess() -> None:
    """A program that nobody has told of a new token has nobody wait who has it."""
    attempts = Attempts()
    for seconds in range(600):
        attempts.failed("here", NOW + timedelta(seconds=seconds), "the old one")

    assert attempts.wait("here", NOW + timedelta(seconds=600)) == timedelta(0)


def test_no_more_addresses_are_remembered_than_there_is_room_for() -> None:
    attempts = Attempts()
    for number in range(MOST_ADDRESSES + 10):
        failed(attempts, 1, address=str(number))

    assert len(attempts._failures) <= MOST_ADDRESSES


def test_an_address_that_has_failed_long_ago_is_counted_anew() -> None:
    attempts = Attempts()
    failed(attempts, MOST_FAILURES - 1)

    failed(attempts, 1, at=NOW + WINDOW)

    assert attempts.wait("here", NOW + WINDOW) == timedelta(0)


def test_guesses_from_many_addresses_make_strangers_wait_but_not_who_has_signed_in_before() -> None:
    attempts = Attempts()
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
    attempts = Attempts()
    failed(attempts, MOST_FAILURES, address="198.51.100.7")

    assert attempts.wait("198.51.100.7", NOW - timedelta(hours=1)) == timedelta(0)
