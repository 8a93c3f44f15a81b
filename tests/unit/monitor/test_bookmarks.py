"""Bookmarks tell new items from seen ones, however few of them they remember."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.monitor.bookmarks import MOST_REMEMBERED, Bookmark, Group
from services.monitor.domain import Item

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def an_item(number: int, subreddit: str = "Sailing") -> Item:
    text, left = "", number
    while left:
        left, digit = divmod(left, 36)
        text = DIGITS[digit] + text
    return Item(f"t3_{text or 0}", "post", subreddit, "", "", "ann", "https://www.reddit.com", NOON)


def test_what_was_there_at_the_beginning_is_not_new() -> None:
    bookmark = Bookmark("sailing", "post").begun(an_item(100).item_id, NOON)

    assert not bookmark.is_new(an_item(100))
    assert not bookmark.is_new(an_item(7))
    assert bookmark.is_new(an_item(101))


def test_the_oldest_are_forgotten_and_still_not_new() -> None:
    items = [an_item(number) for number in range(1, MOST_REMEMBERED + 11)]

    bookmark = Bookmark("sailing", "post").having_seen(items)

    assert len(bookmark.seen) == MOST_REMEMBERED
    assert bookmark.floor == 10
    assert not any(map(bookmark.is_new, items))


def test_each_subreddit_of_a_group_remembers_its_own() -> None:
    group = Group([Bookmark("sailing", "post"), Bookmark("clocks", "post")])

    sailing, clocks = group.see([an_item(5, "Sailing"), an_item(6, "Clocks")])

    assert (sailing.seen, clocks.seen) == (("t3_5",), ("t3_6",))
    assert group.new_among([an_item(5, "Sailing"), an_item(5, "Clocks")]) == [an_item(5, "Clocks")]


@given(st.lists(st.lists(st.integers(1, 2000), max_size=300), max_size=12))
def test_nothing_is_new_twice(pages: list[list[int]]) -> None:
    group, told = Group([Bookmark("sailing", "post")]), list[str]()

    for page in pages:
        items = [an_item(number) for number in dict.fromkeys(page)]
        told += [item.item_id for item in group.new_among(items)]
        group.see(items)

    assert len(told) == len(set(told))
