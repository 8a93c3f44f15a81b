"""A post's record and its key are the same for every attempt, and another post's are others."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.publisher.platforms.bluesky.options import OPTIONS
from services.publisher.platforms.bluesky.post import Image, check_card, record_key, record_of, tid
from services.publisher.platforms.errors import Rejected
from tests.support.publications import NOON, a_post

ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
MOST_MICROSECONDS = (1 << 53) - 1
IMAGE = Image({"$type": "blob", "ref": {"$link": "bafkrei"}, "mimeType": "image/png", "size": 7}, "A ball", 4, 3)


def number_of(key: str) -> int:
    """The number that a TID spells, read as its specification says."""
    number = 0
    for letter in key:
        number = number * 32 + ALPHABET.index(letter)
    return number


@given(st.integers(0, MOST_MICROSECONDS), st.integers(0, 1023))
def test_a_tid_spells_its_instant_and_clock(microseconds: int, clock_id: int) -> None:
    key = tid(microseconds, clock_id)

    assert len(key) == 13
    assert key[0] in ALPHABET[:16]
    assert divmod(number_of(key), 1024) == (microseconds, clock_id)


@given(st.integers(0, MOST_MICROSECONDS), st.integers(0, MOST_MICROSECONDS))
def test_tids_sort_as_their_instants_do(one: int, other: int) -> None:
    assert (tid(one, 0) < tid(other, 0)) == (one < other)


def test_the_key_lies_in_the_second_the_post_is_due() -> None:
    microseconds = number_of(record_key(a_post())) >> 10

    assert microseconds // 1_000_000 == int(NOON.timestamp())


def test_the_key_is_the_posts_own() -> None:
    post = a_post()
    others = [a_post("other"), a_post(account_id="other"), a_post(revision=2)]

    assert record_key(post) == record_key(a_post())
    assert len({record_key(one) for one in [post, *others]}) == 4


def test_the_record_does_not_depend_on_when_it_is_made() -> None:
    post = replace(a_post(), options={}, publish_at=NOON + timedelta(milliseconds=1.5))

    assert record_of(post, [], {}) == {
        "$type": "app.bsky.feed.post",
        "text": "The ball drops.",
        "createdAt": "2027-03-28T12:00:00.001Z",
    }


def test_pictures_keep_the_servers_blob_as_it_is() -> None:
    record = record_of(replace(a_post(), options={}), [IMAGE], {})

    assert record["embed"]["images"] == [
        {"alt": "A ball", "image": IMAGE.blob, "aspectRatio": {"width": 4, "height": 3}}
    ]


def test_a_card_shows_the_texts_link_or_its_own() -> None:
    by_text = replace(a_post(), content="Look: https://example.com/a", options={"card": {"title": "A"}})
    by_itself = replace(a_post(), options={"card": {"title": "B", "url": "https://example.com/b"}})

    assert record_of(by_text, [], {})["embed"]["external"]["uri"] == "https://example.com/a"
    assert record_of(by_itself, [], {})["embed"]["external"] == {
        "uri": "https://example.com/b",
        "title": "B",
        "description": "",
    }


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"mood": "festive"}, "options.mood: is not known"),
        ({"langs": 7}, "options.langs: .* is not a list of codes"),
        ({"langs": ["en", 7]}, "options.langs: .* is not a list of codes"),
        ({"langs": ["a", "b", "c", "d"]}, "options.langs: there are 4"),
        ({"card": "A"}, "options.card: 'A' is not a card such as"),
        ({"card": {"title": "A", "url": "javascript:x"}}, "options.card: the text has no link"),
        ({"card": {"title": "A", "url": "https://example.com"}}, "options.card: a post has either"),
    ],
)
def test_an_option_that_cannot_work_is_named(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        check_card(OPTIONS.checked(replace(a_post(), options=options)))
