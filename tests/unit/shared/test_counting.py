"""How long a text is, as each network counts it."""

from unicodedata import normalize

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from shared.events.rules import TextRule, Unit
from shared.posting.counting import counted, fits

LONG_LINK = "https://example.com/" + "a" * 200
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
UNITS: tuple[Unit, ...] = ("characters", "graphemes", "utf16", "weighted", "bytes")


def length(text: str, unit: Unit, link_length: int | None = None) -> int:
    return counted(text, TextRule(most=0, counted_in=unit, link_length=link_length))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0, 0, 0, 0, 0)),
        ("Hello", (5, 5, 5, 5, 5)),
        ("Grüße", (5, 5, 5, 5, 7)),
        ("e\u0301", (2, 1, 2, 1, 3)),
        ("\u0e01\u0e33", (2, 1, 2, 2, 6)),
        ("日本語", (3, 3, 3, 6, 9)),
        ("\ud55c\uae00", (2, 2, 2, 4, 6)),
        ("\U00020bb7", (1, 1, 2, 2, 4)),
        ("👍", (1, 1, 2, 2, 4)),
        ("👍🏽", (2, 1, 4, 2, 8)),
        (FAMILY, (7, 1, 11, 2, 25)),
        ("🇩🇪🇫🇷", (4, 2, 8, 4, 16)),
        (SCOTLAND, (7, 1, 14, 2, 28)),
        ("1\ufe0f\u20e3", (3, 1, 3, 2, 7)),
        ("❤\ufe0f", (2, 1, 2, 2, 6)),
        ("©", (1, 1, 1, 1, 2)),
        ("©\ufe0f", (2, 1, 2, 2, 5)),
        ("a👍🏽b👍🏽", (6, 4, 10, 6, 18)),
        ("“quoted” \u2013 yes…", (15, 15, 15, 16, 23)),
        ("\r\n", (2, 1, 2, 2, 2)),
        (LONG_LINK, (220, 220, 220, 23, 220)),
        (f"{LONG_LINK} and x.com/y", (232, 232, 232, 23 + 5 + 23, 232)),
        (f"日{LONG_LINK}日", (222, 222, 222, 27, 226)),
        ("youtu.be", (8, 8, 8, 23, 8)),
        ("README.md", (9, 9, 9, 23, 9)),
        ("詳細はexample.comへ", (15, 15, 15, 31, 23)),
        ("한국example.kr/abc", (16, 16, 16, 27, 20)),
        ("example.рф", (10, 10, 10, 23, 12)),
    ],
    ids=ascii,
)
def test_every_unit_has_its_own_length(text: str, expected: tuple[int, ...]) -> None:
    assert tuple(length(text, unit) for unit in UNITS) == expected


def test_a_network_may_count_every_link_the_same() -> None:
    assert length(f"See {LONG_LINK}, example.com", "characters", link_length=23) == 4 + 23 + 13
    assert length(f"👍🏽{LONG_LINK} 👍🏽", "graphemes", link_length=23) == 26
    assert length("https://ja.wikipedia.org/wiki/日本語", "characters", link_length=23) == 23
    assert length("https://t.co", "characters", link_length=23) == 23


def test_a_network_may_count_mentions_without_their_server() -> None:
    rule = TextRule(most=0, short_mentions=True)

    assert counted("@ann@mastodon.example and @bob", rule) == len("@ann and @bob")
    assert counted("me@mastodon.example", rule) == len("me@mastodon.example")


texts = st.text(
    st.sampled_from("aé日👍🏽\u200d\ufe0f\u0301\U0001f1e9.@ /:©") | st.characters(exclude_categories=["Cs"]),
    max_size=40,
) | st.sampled_from([LONG_LINK, "https://t.co", "x.com", FAMILY])
"""Without lone surrogates, which no JSON brings."""
rules = st.builds(
    TextRule,
    most=st.integers(0, 60),
    counted_in=st.sampled_from(UNITS),
    link_length=st.none() | st.just(23),
    short_mentions=st.booleans(),
)


@given(st.lists(texts, max_size=4).map(" ".join), rules)
def test_what_is_plain_to_see_is_what_counting_would_find(text: str, rule: TextRule) -> None:
    assert fits(text, rule) is (counted(text, rule) <= rule.most)


@given(st.lists(texts, max_size=4).map(" ".join))
def test_x_counts_composed_and_decomposed_characters_alike(text: str) -> None:
    assert length(normalize("NFD", text), "weighted") == length(normalize("NFC", text), "weighted")


flags = st.text(
    "\U0001f1e9\U0001f1ea\U0001f1eb\u0301\u200d\ufe0f\u0600\u0e33\r\na👍🏽🏽❤한\u1160\u094d\u0915\u0903", max_size=12
)


@given(flags)
def test_flags_are_graphemes_as_unicode_says(text: str) -> None:
    assert length(text, "graphemes") == len(regex.findall(r"\X", text))


def test_a_wall_of_flags_is_counted() -> None:
    assert length("🇩🇪" * 50_000 + "🇫", "graphemes") == 50_001


@given(texts, texts)
def test_a_text_is_not_longer_than_its_parts(one: str, other: str) -> None:
    for unit in UNITS:
        if "." not in one + other:
            assert length(one + " " + other, unit) <= length(one, unit) + 1 + length(other, unit)
