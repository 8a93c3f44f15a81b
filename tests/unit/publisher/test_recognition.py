"""A post is taken for one on its network only where it surely is it, and for missing only where that is proved."""

from datetime import UTC, datetime, timedelta

import pytest

from services.publisher.platforms.base import Published
from services.publisher.platforms.errors import Rejected, Unavailable
from services.publisher.platforms.recognition import (
    CLOCKS_DIFFER,
    Seen,
    instant_in,
    recognised,
    since,
    words_and_links_of,
    words_of,
)
from services.publisher.platforms.reply import Reply
from tests.support.publications import NOON, SECOND, a_post


def seen(seconds: float, *, name: str = "one", is_like: bool = True) -> Seen:
    """What was made so many seconds after noon."""
    return Seen(NOON + seconds * SECOND, Published(name), is_like)


def test_of_several_that_are_alike_the_oldest_is_the_one() -> None:
    newest_first = [seen(90, name="another"), seen(30, name="another"), seen(1, name="ours"), seen(-1, name="older")]

    assert recognised(newest_first, NOON, is_all=True) == Published("ours")
    assert recognised([seen(1, name="another"), seen(1, name="ours")], NOON, is_all=True) == Published("ours")


@pytest.mark.parametrize(
    "listed", [[], [seen(5, is_like=False)], [seen(-1)], [seen(5, is_like=False), seen(-1)]],
    ids=["nothing", "another", "too old", "both"],
)  # fmt: skip
def test_a_list_of_all_proves_absence(listed: list[Seen]) -> None:
    assert recognised(listed, NOON, is_all=True) is None


def test_a_list_that_reaches_back_proves_absence() -> None:
    assert recognised([seen(5, is_like=False), seen(-1, is_like=False)], NOON, is_all=False) is None


@pytest.mark.parametrize("listed", [[], [seen(9, is_like=False), seen(5, is_like=False)]])
def test_a_list_that_ends_too_early_proves_nothing(listed: list[Seen]) -> None:
    with pytest.raises(Rejected, match="and there are more") as caught:
        recognised(listed, NOON, is_all=False)

    assert caught.value.detail.code == "cannot_see"


def test_a_post_without_words_is_never_taken_for_one_that_looks_the_same() -> None:
    with pytest.raises(Rejected, match="without any words") as caught:
        recognised([seen(5)], NOON, is_all=True, is_distinct=False)

    assert caught.value.detail.code == "cannot_tell"
    assert recognised([seen(5, is_like=False)], NOON, is_all=True, is_distinct=False) is None


def test_a_networks_clock_may_be_behind_ours() -> None:
    at_once, late = Reply(200, {}, b"", NOON), Reply(200, {"date": "Sun, 28 Mar 2027 11:58:00 GMT"}, b"", NOON)

    assert since(a_post(), at_once) == a_post().publish_at - CLOCKS_DIFFER
    assert since(a_post(), at_once, SECOND) == a_post().publish_at - SECOND
    assert since(a_post(), late, SECOND) == a_post().publish_at - 121 * SECOND


@pytest.mark.parametrize(
    ("one", "other"),
    [("Cafe\u0301", "Caf\u00e9"), (" a\n\tb ", "a b"), ("a\u200bb", "ab"), (None, ""), ("a\u00a0b", "a b")],
)
def test_what_networks_change_in_a_text_makes_no_other(one: str | None, other: str) -> None:
    assert words_of(one) == words_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("See https://Example.org", "See http://example.org/"),
        ("See M\u00fcller.de/a", "See https://xn--mller-kva.de/a"),
        ("See https://de.example/K\u00f6ln, now", "See https://de.example/K%C3%B6ln, now"),
        ("https://example.org/a?b=c%20d", "https://example.org/a?b=c%20d/"),
        ("xn--a-\u00fc xn--99999999", "xn--a-\u00fc xn--99999999"),
        (None, ""),
    ],
)
def test_what_networks_change_in_a_link_makes_no_other(one: str | None, other: str) -> None:
    assert words_and_links_of(one) == words_and_links_of(other)


def test_another_link_makes_another_text() -> None:
    assert words_and_links_of("See https://example.org/a") != words_and_links_of("See https://example.org/b")


@pytest.mark.parametrize(
    "value", ["2027-03-28T12:00:00.000Z", "2027-03-28T14:00:00+02:00", "2027-03-28T12:00:00", NOON.timestamp()]
)
def test_an_instant_is_read_in_every_form(value: object) -> None:
    assert instant_in(value) == NOON


@pytest.mark.parametrize("value", [None, "yesterday", True, float("nan"), 1e300, ""])
def test_without_an_instant_nothing_is_proved(value: object) -> None:
    with pytest.raises(Unavailable, match="does not tell when"):
        instant_in(value)


def test_seconds_count_from_1970() -> None:
    assert instant_in(0) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(0)
