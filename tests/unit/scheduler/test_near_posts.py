"""Posts with the same text, and posts of the same minute, have a key in common; warnings come in one order."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.near_posts import NOTHING_NEAR, NearPosts, minute_key, text_key, warning_of
from tests.support.schedules import NOON

LARGEST = 2**63 - 1
instants = st.timedeltas(timedelta(0), timedelta(days=36_500)).map(lambda later: NOON + later)


def test_the_same_text_on_the_same_account_has_one_key() -> None:
    assert text_key("acct-1", "Hello") == text_key("acct-1", " Hello\n")
    assert len({text_key(*one) for one in [("acct-1", "Hello"), ("acct-2", "Hello"), ("acct-1", "hello")]}) == 3


@pytest.mark.parametrize("content", ["", " \n"])
def test_no_text_is_like_no_other(content: str) -> None:
    assert text_key("acct-1", content) is None


def test_a_minute_begins_with_its_first_second() -> None:
    minute = minute_key("acct-1", NOON)

    assert minute_key("acct-1", NOON + timedelta(seconds=59.999)) == minute
    assert minute_key("acct-1", NOON + timedelta(seconds=60)) == minute + 1
    assert minute_key("acct-1", NOON - timedelta(microseconds=1)) == minute - 1
    assert minute_key("acct-2", NOON) != minute


utf8 = st.text(st.characters(codec="utf-8"))


@given(utf8, utf8, instants)
def test_every_key_is_one_that_databases_store(account_id: str, content: str, publish_at: datetime) -> None:
    assert 0 <= (text_key(account_id, content) or 0) <= LARGEST
    assert 0 <= minute_key(account_id, publish_at) <= LARGEST


@pytest.mark.parametrize(
    ("is_known", "near_posts", "warning"),
    [
        (True, NOTHING_NEAR, None),
        (True, NearPosts(), None),
        (False, NOTHING_NEAR, "unknown_account"),
        (True, NearPosts(has_same_text=True), "duplicate_text"),
        (True, NearPosts(is_crowded=True), "crowded_minute"),
        (False, NearPosts(has_same_text=True, is_crowded=True), "unknown_account, duplicate_text, crowded_minute"),
    ],
)
def test_warnings_come_in_one_order(is_known: bool, near_posts: NearPosts, warning: str | None) -> None:
    assert warning_of(is_known=is_known, near_posts=near_posts) == warning
