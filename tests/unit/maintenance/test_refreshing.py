"""When a new token is asked for."""

from datetime import UTC, datetime, timedelta

import pytest

from services.maintenance.domain import PENDING_FOR, REFRESH_AHEAD, Account

NOW = datetime(2027, 3, 28, 12, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)


def account(*, refresh_asked_at: datetime | None) -> Account:
    ends_at = NOW + REFRESH_AHEAD
    return Account(
        "team", "x", connected=True, changed_at=NOW, token_expires_at=ends_at, refresh_asked_at=refresh_asked_at
    )


@pytest.mark.parametrize(
    ("asked_ago", "is_asked"),
    [
        (None, True),
        (PENDING_FOR - A_SECOND, False),
        (PENDING_FOR, True),
        (-timedelta(hours=1), True),
    ],
)
def test_a_new_token_is_asked_for_again_when_nobody_answers_however_the_clock_is_set(
    asked_ago: timedelta | None, is_asked: bool
) -> None:
    asked_at = None if asked_ago is None else NOW - asked_ago

    assert account(refresh_asked_at=asked_at).is_to_be_refreshed(NOW) is is_asked
