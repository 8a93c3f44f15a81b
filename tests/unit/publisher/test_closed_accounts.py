"""Closed accounts: what a network asked to be left alone with is left alone at once, and no longer than it asked."""

from dataclasses import replace

from services.publisher.limits.closed_accounts import ClosedAccounts
from tests.support.publications import NOON, SECOND, a_stored_account

TEAM = a_stored_account(account_id="team", app="ours", changed_at=NOON - SECOND)
SHOP = replace(TEAM, account_id="shop")
ALONE = replace(TEAM, account_id="alone", app=None)
OTHERS = replace(TEAM, account_id="others", app="theirs")
ELSEWHERE = replace(TEAM, account_id="elsewhere", platform="another")
UNTIL = NOON + 60 * SECOND


def test_an_account_is_closed_until_then_and_no_other_is() -> None:
    closed = ClosedAccounts()

    closed.close(TEAM, UNTIL, whole_app=False, now=NOON)

    assert closed.until(TEAM, NOON) == UNTIL
    assert closed.until(TEAM, UNTIL) is None
    assert [closed.until(one, NOON) for one in (SHOP, ALONE, OTHERS, ELSEWHERE)] == [None] * 4


def test_a_whole_app_is_closed_with_all_its_accounts() -> None:
    closed = ClosedAccounts()

    closed.close(TEAM, UNTIL, whole_app=True, now=NOON)

    assert [closed.until(one, NOON) for one in (TEAM, SHOP)] == [UNTIL] * 2
    assert [closed.until(one, NOON) for one in (ALONE, OTHERS, ELSEWHERE)] == [None] * 3


def test_what_has_no_app_is_closed_alone() -> None:
    closed = ClosedAccounts()

    closed.close(ALONE, UNTIL, whole_app=True, now=NOON)

    assert closed.until(ALONE, NOON) == UNTIL
    assert closed.until(replace(ALONE, account_id="another"), NOON) is None


def test_the_later_end_counts() -> None:
    closed = ClosedAccounts()

    for until in (UNTIL, NOON + SECOND):
        closed.close(TEAM, until, whole_app=False, now=NOON)
    closed.close(SHOP, UNTIL + SECOND, whole_app=True, now=NOON)

    assert closed.until(TEAM, NOON) == UNTIL + SECOND


def test_an_account_that_was_connected_anew_since_then_is_open() -> None:
    closed = ClosedAccounts()

    closed.close(TEAM, UNTIL, whole_app=False, now=NOON)

    assert closed.until(replace(TEAM, changed_at=NOON + SECOND), NOON + SECOND) is None


def test_what_is_over_is_forgotten() -> None:
    closed = ClosedAccounts()
    closed.close(TEAM, UNTIL, whole_app=False, now=NOON)

    closed.close(SHOP, UNTIL + SECOND, whole_app=False, now=UNTIL)

    assert list(closed._closed) == [("shop",)]
