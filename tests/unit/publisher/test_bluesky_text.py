"""Links, mentions and hashtags stand where Bluesky looks for them: at bytes of the text's UTF-8."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.publisher.platforms.bluesky.text import facets, first_link, found_in, handles_in

DIDS = {"alice.bsky.social": "did:plc:alice", "bob.test": "did:plc:bob"}
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
LETTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def cut_out(text: str) -> list[tuple[str, str]]:
    """Each facet's kind, and what it covers."""
    data = text.encode()
    return [
        (
            one["features"][0]["$type"].partition("#")[2],
            data[one["index"]["byteStart"] : one["index"]["byteEnd"]].decode(),
        )
        for one in facets(text, DIDS)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", []),
        ("see https://example.com/a.", [("link", "https://example.com/a")]),
        (f"{FAMILY} https://example.com", [("link", "https://example.com")]),
        ("cafe\u0301 #cafe\u0301!", [("tag", "#cafe\u0301")]),
        ("שלום https://example.com #שלום", [("link", "https://example.com"), ("tag", "#שלום")]),
        ("مرحبا @alice.bsky.social", [("mention", "@alice.bsky.social")]),
        ("日本語 #日本語 \uff03全角", [("tag", "#日本語"), ("tag", "\uff03全角")]),
        ("👍🏽👍🏽 (@bob.test), @Bob.Test", [("mention", "@bob.test"), ("mention", "@Bob.Test")]),
        ("(https://example.com/a_(b))", [("link", "https://example.com/a_(b)")]),
        ("example.com and example.social/x", [("link", "example.com"), ("link", "example.social/x")]),
        ("https://example.com/#part #whole", [("link", "https://example.com/#part"), ("tag", "#whole")]),
        ("https://example.com/@alice.bsky.social", [("link", "https://example.com/@alice.bsky.social")]),
        ("mail alice@example.com, ftp://example.com", []),
        ("#1 #2026 #\ufe0f\u20e3 #!? a#b #", []),
        ("#" + "a" * 64 + " #" + "b" * 65, [("tag", "#" + "a" * 64)]),
        (
            "“https://example.com/a” and «https://example.com/b»",
            [("link", "https://example.com/a"), ("link", "https://example.com/b")],
        ),
        (
            "「https://example.com/a」を https://example.com/b。",
            [("link", "https://example.com/a"), ("link", "https://example.com/b")],
        ),
        (
            "**https://example.com/a** https://example.com/b: c",
            [("link", "https://example.com/a"), ("link", "https://example.com/b")],
        ),
        (
            "https://example.com/a\u200b https://example.com/b…",
            [("link", "https://example.com/a"), ("link", "https://example.com/b")],
        ),
        ("@alice.bsky.socialさん", [("mention", "@alice.bsky.social")]),
        ("anna.berlin@example.org", []),
        ("anna.berlin+news@example.org", []),
        ("Write to anna.berlin@example.org, or see anna.berlin.", [("link", "anna.berlin")]),
        ("mailto:anna.berlin@example.org", []),
        ("anna.berlin@harbour", []),
        ("https://anna@example.org/ball", [("link", "https://anna@example.org/ball")]),
        ("#c++ #time-ball.", [("tag", "#c++"), ("tag", "#time-ball")]),
    ],
)
def test_a_facet_covers_what_a_reader_sees_as_one(text: str, expected: list[tuple[str, str]]) -> None:
    assert cut_out(text) == expected


def test_each_kind_says_what_it_is() -> None:
    text = "example.com @alice.bsky.social #tag"

    features = [one["features"][0] for one in facets(text, DIDS)]

    assert features == [
        {"$type": "app.bsky.richtext.facet#link", "uri": "https://example.com"},
        {"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:alice"},
        {"$type": "app.bsky.richtext.facet#tag", "tag": "tag"},
    ]


def test_a_handle_that_belongs_to_nobody_stays_text() -> None:
    assert handles_in("Hi @nobody.example") == {"nobody.example"}
    assert facets("Hi @nobody.example", DIDS) == []


@pytest.mark.parametrize("text", ["@alice.co.ukです", "@alice.co.uk", "@alice.co.uk.", "@alice.co.uk-"])
def test_a_handle_is_found_whole(text: str) -> None:
    assert handles_in(text) == {"alice.co.uk"}


def test_the_first_link_is_the_one_that_a_card_shows() -> None:
    assert first_link("#a https://one.example https://two.example") == "https://one.example"
    assert first_link("none") is None


@given(before=LETTERS, behind=LETTERS)
def test_whatever_stands_around_it_a_link_is_found_at_its_bytes(before: str, behind: str) -> None:
    text = f"{before} https://example.com/ball {behind}"

    assert ("link", "https://example.com/ball") in cut_out(text)


@given(LETTERS)
def test_no_two_overlap_and_all_lie_within_the_text(text: str) -> None:
    found = found_in(text)

    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(0 <= one.start < one.end <= len(text) for one in found)
