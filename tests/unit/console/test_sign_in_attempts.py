"""Attempts to sign in: too many failures within five minutes, and the address waits."""

from datetime import UTC, datetime, timedelta

from services.console.sign_in_attempts import MOST_ADDRESSES, MOST_FAILURES, WINDOW, SignInAttempts

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
