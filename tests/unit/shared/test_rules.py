"""What is wrong with a post by its network's rules, said so that a person can put it right."""

from collections.abc import Mapping
from typing import Any

import pytest

from shared.events.rules import MediaRule, OptionRule, PostRules, TextRule
from shared.posting.rules import problem

PICTURE: dict[str, Any] = {"url": "https://cdn.example/a.jpg"}
X = PostRules(text=TextRule(most=280, counted_in="weighted"))
BLUESKY = PostRules(
    text=TextRule(most=300, counted_in="graphemes", most_bytes=3000),
    media=MediaRule(most=4, types=("image/jpeg", "image/png"), most_bytes=1_000_000, alt=TextRule(most=20)),
)
MASTODON = PostRules(text=TextRule(most=500, link_length=23))
TELEGRAM = PostRules(
    text=TextRule(most=4096, counted_in="utf16"),
    caption=TextRule(most=1024, counted_in="utf16"),
    media=MediaRule(most=10),
)
REDDIT = PostRules(
    needs_text=True,
    options=(
        OptionRule(name="title", required=True, most=10),
        OptionRule(name="kind", choices=("self", "link")),
        OptionRule(name="nsfw", choices=("true", "false")),
    ),
)
GALLERY = PostRules(needs_media=True, media=MediaRule(most=1))
VIDEOS = PostRules(media=MediaRule(most=1, most_bytes=1000, types=("video/mp4", "image/gif", "image/jpeg")))
WORDS_ONLY = PostRules(media=MediaRule())
CAPTIONED_GALLERIES = PostRules(media=MediaRule(most=20, alt=TextRule(most=20), alt_from=2))


def told(
    rules: PostRules, text: str = "Hello", *media: Mapping[str, Any], options: Mapping[str, Any] | None = None
) -> tuple[str, str] | None:
    return problem(rules, text, media, options or {})


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        (X, "x" * 280),
        (X, "日" * 140),
        (X, "x" * 256 + " https://example.com/" + "a" * 300),
        (BLUESKY, "👩‍👩‍👧‍👦" * 100),
        (MASTODON, "x" * 476 + " https://example.com/" + "a" * 300),
        (TELEGRAM, "👍" * 2048),
        (PostRules(), "x" * 100_000),
    ],
)
def test_a_text_that_just_fits_is_no_problem(rules: PostRules, text: str) -> None:
    assert told(rules, text) is None


@pytest.mark.parametrize(
    ("rules", "text", "reason"),
    [
        (
            X,
            "x" * 279 + "日",
            "content: the text has 281 characters as X counts them (an emoji or a Chinese, Japanese or Korean "
            "character counts 2, a link 23), and at most 280 are possible; shorten it",
        ),
        (
            BLUESKY,
            "e\u0301" * 301,
            "content: the text has 301 characters as readers see them, and at most 300 are possible; shorten it",
        ),
        (
            BLUESKY,
            "👩‍👩‍👧‍👦" * 150,
            "content: the text has 3,750 bytes in UTF-8, and at most 3,000 are possible; shorten it",
        ),
        (
            MASTODON,
            "x" * 477 + " https://example.com/",
            "content: the text has 501 characters (a link counts 23), and at most 500 are possible; shorten it",
        ),
        (
            TELEGRAM,
            "👍" * 2049,
            "content: the text has 4,098 characters in UTF-16 (most emoji count 2), and at most 4,096 are "
            "possible; shorten it",
        ),
    ],
)
def test_a_text_that_is_too_long_is_told_its_length_and_the_limit(rules: PostRules, text: str, reason: str) -> None:
    assert told(rules, text) == ("content_too_long", reason)


def test_beside_media_the_caption_counts() -> None:
    text = "x" * 1025

    assert told(TELEGRAM, text) is None
    assert told(TELEGRAM, text[1:], PICTURE) is None
    code, reason = told(TELEGRAM, text, PICTURE) or ("", "")
    assert code == "content_too_long"
    assert reason.endswith("and at most 1,024 are possible beside media; shorten it")


@pytest.mark.parametrize(
    ("rules", "media", "reason"),
    [
        (BLUESKY, [PICTURE] * 5, "media: there are 5, and at most 4 can be published with a post; leave out 1"),
        (WORDS_ONLY, [PICTURE], "media: there are 1, and this account's network takes none; leave out 1"),
        (GALLERY, [], "media: there is none, and this account's network takes no post without a picture; add its URL"),
        (
            BLUESKY,
            [PICTURE, PICTURE | {"mime": "video/mp4"}],
            "media[1].mime: 'video/mp4' is not accepted here; use image/jpeg or image/png",
        ),
        (
            BLUESKY,
            [PICTURE | {"alt": "x" * 21}],
            "media[0].alt: the description has 21 characters, and at most 20 are possible; shorten it",
        ),
        (
            CAPTIONED_GALLERIES,
            [PICTURE, PICTURE | {"alt": "x" * 21}],
            "media[1].alt: the description has 21 characters, and at most 20 are possible; shorten it",
        ),
        (
            VIDEOS,
            [PICTURE | {"mime": "video/mp4", "size": 1001}],
            "media[0].size: it has 1,001 bytes, and at most 1,000 are possible; make it smaller",
        ),
        (
            VIDEOS,
            [PICTURE | {"mime": "image/gif", "size": 5_000_000}],
            "media[0].size: it has 5,000,000 bytes, and at most 1,000 are possible; make it smaller",
        ),
    ],
)
def test_media_that_cannot_be_published_are_named(rules: PostRules, media: list[dict[str, Any]], reason: str) -> None:
    assert told(rules, "Hello", *media) == ("invalid", reason)


@pytest.mark.parametrize(
    ("rules", "item"),
    [
        (BLUESKY, PICTURE),
        (BLUESKY, PICTURE | {"mime": "IMAGE/JPEG", "alt": "x" * 20}),
        (CAPTIONED_GALLERIES, PICTURE | {"alt": "x" * 21}),
        (BLUESKY, PICTURE | {"mime": "image/jpg", "size": 5_000_000}),
        (BLUESKY, PICTURE | {"mime": "image"}),
        (VIDEOS, PICTURE | {"size": 5_000_000}),
        (VIDEOS, PICTURE | {"mime": "video/mp4", "size": 1000}),
        (PostRules(), PICTURE | {"mime": "video/mp4", "size": 10**12}),
    ],
)
def test_what_may_be_made_to_fit_or_cannot_be_told_is_no_problem(rules: PostRules, item: dict[str, Any]) -> None:
    assert told(rules, "Hello", item) is None


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_network_may_need_a_text(text: str) -> None:
    assert told(REDDIT, text, PICTURE, options={"title": "A"}) == (
        "invalid",
        "content: there is no text, and this account's network takes no post without one; write one",
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "options.title: it is missing, and no post can do without it here; set it"),
        ({"title": ""}, "options.title: it is missing, and no post can do without it here; set it"),
        ({"title": None}, "options.title: it is missing, and no post can do without it here; set it"),
        (
            {"title": "Hello world"},
            "options.title: 'Hello world' has 11 characters, and at most 10 are possible; shorten it",
        ),
        ({"title": "A", "kind": "poll"}, "options.kind: 'poll' is not possible here; choose self or link"),
        ({"title": "A", "nsfw": 1}, "options.nsfw: 1 is not possible here; choose true or false"),
    ],
)
def test_an_option_that_cannot_be_is_named_with_its_value(options: Mapping[str, Any], reason: str) -> None:
    assert told(REDDIT, options=options) == ("invalid", reason)


@pytest.mark.parametrize(
    "more", [{}, {"kind": "self"}, {"nsfw": True}, {"nsfw": "false"}, {"kind": None}, {"other": 1}]
)
def test_options_that_are_possible_are_no_problem(more: dict[str, Any]) -> None:
    assert told(REDDIT, options={"title": "Hello you!"} | more) is None


def test_a_long_value_is_shown_in_part() -> None:
    _, reason = told(REDDIT, options={"title": "x" * 50_000}) or ("", "")

    assert len(reason) < 200


WARNED = PostRules(text=TextRule(most=500, counted_in="graphemes", with_option="spoiler_text"))
CHAT = PostRules(
    text=TextRule(most=10, counted_in="utf16", markup_option="parse_mode"),
    needs_one_of=("content", "media"),
    options=(OptionRule(name="parse_mode"), OptionRule(name="message_thread_id", is_number=True)),
    other_options=False,
)


def test_a_warning_counts_with_the_text() -> None:
    assert problem(WARNED, "x" * 480, [], {"spoiler_text": "y" * 20}) is None

    _, reason = problem(WARNED, "x" * 480, [], {"spoiler_text": "y" * 21}) or ("", "")

    assert reason == (
        "content: the text with options.spoiler_text has 501 characters as readers see them, and at most 500 are "
        "possible; shorten it"
    )


@pytest.mark.parametrize(
    ("text", "options", "is_fine"),
    [
        ("<b>0123456789</b>", {"parse_mode": "HTML"}, True),
        ("[0123456789](https://example.org/)", {"parse_mode": "MarkdownV2"}, True),
        ("<b>0123456789+</b>", {"parse_mode": "HTML"}, False),
        ("<b>0123456789</b>", {}, False),
    ],
)
def test_markup_counts_nothing_where_it_is_markup(text: str, options: dict[str, str], is_fine: bool) -> None:
    assert (problem(CHAT, text, [], options) is None) == is_fine


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        (
            " ",
            {},
            "content: the post is empty, and this account's network takes no such post; give a text or media",
        ),
        (
            "x",
            {"colour": "red"},
            "options.colour: is not known; there are message_thread_id and parse_mode",
        ),
        ("x", {"message_thread_id": "general"}, "options.message_thread_id: 'general' is no whole number; give one"),
    ],
)
def test_what_is_missing_or_not_known_is_told(text: str, options: dict[str, str], reason: str) -> None:
    assert problem(CHAT, text, [], options) == ("invalid", reason)
