"""How a post will look: links, mentions and tags as each network makes them, and what does not fit."""

import pytest

from services.console.web.previews import Preview, preview_of
from shared.events.rules import PostRules, TextRule

TEXT = "See @one and #two at https://three.example/4 or five.example."


def marked(platform: str, text: str = TEXT) -> list[tuple[str, str]]:
    preview = preview_of(platform, None, text, [], {})
    assert "".join(one.text for one in preview.pieces) == text
    return [(one.kind, one.text) for one in preview.pieces if one.kind != "plain"]


MENTION, TAG, LINK = ("mention", "@one"), ("tag", "#two"), ("link", "https://three.example/4")


@pytest.mark.parametrize(
    ("platform", "found"),
    [
        ("x", [MENTION, TAG, LINK, ("link", "five.com")]),
        ("bluesky", [MENTION, TAG, LINK, ("link", "five.com")]),
        ("telegram", [MENTION, TAG, LINK, ("link", "five.com")]),
        ("mastodon", [MENTION, TAG, LINK]),
        ("linkedin", [TAG, LINK, ("link", "five.com")]),
        ("discord", [LINK]),
        ("webhook", [LINK]),
    ],
)
def test_a_network_marks_what_it_makes_a_link(platform: str, found: list[tuple[str, str]]) -> None:
    text = TEXT.replace("three.example", "three.com").replace("five.example", "five.com")

    assert marked(platform, text) == [("link", "https://three.com/4") if one is LINK else one for one in found]


def test_what_does_not_fit_is_told_and_no_character_is_cut_in_two() -> None:
    rules = PostRules(text=TextRule(most=2, counted_in="graphemes"))

    preview = preview_of("bluesky", rules, "a👩‍👩‍👧b", [], {})

    assert [(one.kind, one.text) for one in preview.pieces] == [("plain", "a👩‍👩‍👧"), ("over", "b")]
    assert "never cut" in preview.notes[0]


def test_a_long_text_is_folded_where_a_feed_folds_it() -> None:
    preview = preview_of("linkedin", None, "x" * 300, [], {})

    assert (len(preview.pieces[0].text), len(preview.more[0].text)) == (210, 90)


def test_a_fold_is_between_two_words() -> None:
    preview = preview_of("linkedin", None, "word " * 60, [], {})

    assert preview.pieces[0].text == "word " * 41 + "word"


@pytest.mark.parametrize(
    ("text", "options", "title", "below"),
    [
        ("Title\nText", {}, "Title", "Text"),
        ("Text", {"title": "Own"}, "Own", "Text"),
        ("x" * 301, {}, "x" * 299 + "…", "x" * 301),
    ],
)
def test_on_reddit_the_first_line_is_the_title(text: str, options: dict[str, str], title: str, below: str) -> None:
    preview = preview_of("reddit", None, text, [], options)

    assert (preview.title, "".join(one.text for one in preview.pieces)) == (title, below)


def test_pictures_without_a_description_are_told() -> None:
    media = [{"url": "https://a.example/b", "alt": "A ball"}, {"url": "https://a.example/c"}]

    preview = preview_of("mastodon", None, "", media, {"spoiler_text": "Balls"})

    assert (preview.pictures, preview.warning) == (["A ball", ""], "Balls")
    assert preview.notes == ["One picture has no description: who does not see it learns nothing of it."]


@pytest.mark.parametrize(
    ("platform", "options", "note"),
    [
        ("discord", {"thread_name": "News"}, "It begins the thread “News”."),
        ("discord", {"thread_id": "1"}, "It stands in the thread 1."),
        ("x", {"in_reply_to_tweet_id": "1"}, "It is an answer to the post 1, and so part of its thread."),
        ("telegram", {"parse_mode": "HTML"}, "Telegram formats it as HTML; here you see how it is written."),
    ],
)
def test_what_an_option_makes_of_it_is_told(platform: str, options: dict[str, str], note: str) -> None:
    assert list(preview_of(platform, None, "x", [], options).notes) == [note]


def test_nothing_at_all_looks_like_nothing() -> None:
    assert preview_of(None, None, "", [], {}) == Preview(pieces=[], more=[], pictures=[], notes=[])
