"""Matching: which keywords are found in a text."""

import re
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.monitor.domain import InvalidWorkspace, Item, Keyword, Workspace
from services.monitor.matching import MOST_AT_ONCE, Matcher, check_keyword


def an_item(text: str, *, title: str = "", subreddit: str = "sailing") -> Item:
    kind: Any = "post" if title else "comment"
    return Item("t1_a", kind, subreddit, title, text, "ann", "https://x", datetime(2026, 11, 22, tzinfo=UTC))


def a_workspace(*keywords: Keyword, name: str = "w", subreddits: tuple[str, ...] = ("sailing",)) -> Workspace:
    return Workspace(name, subreddits, keywords)


def is_found(keyword: Keyword, text: str) -> bool:
    return bool(Matcher([a_workspace(keyword)]).mentions(an_item(text)))


@pytest.mark.parametrize(
    ("keyword", "text", "found"),
    [
        (Keyword("ball"), "a ball.", True),
        (Keyword("ball"), "balls", False),
        (Keyword("ball"), "BALL", True),
        (Keyword("ball", case_sensitive=True), "Ball", False),
        (Keyword("Ball", case_sensitive=True), "the Ball", True),
        (Keyword("time ball"), "time\n  ball", True),
        (Keyword("time ball"), "time-ball", False),
        (Keyword("time ball", "phrase"), "the time-ball drops", True),
        (Keyword("time ball", "phrase"), "time, ball", True),
        (Keyword("time ball", "phrase"), "ball time", False),
        (Keyword("Time Ball", "phrase", case_sensitive=True), "time ball", False),
        (Keyword("all", "substring"), "balls", True),
        (Keyword("straße"), "STRASSE", True),
        (Keyword("café"), "cafe\u0301", True),
        (Keyword("café"), "cafés", False),
        (Keyword("İstanbul"), "i\u0307stanbul", True),
        (Keyword("c++"), "I like C++.", True),
        (Keyword("c++"), "objc++", False),
        (Keyword(".net"), "ASP.NET", True),
        (Keyword("東京"), "私は東京に住んでいます", True),
        (Keyword("наука"), "Наука!", True),
        (Keyword("наука"), "науками", False),
        (Keyword("🎉"), "party🎉time", True),
        (Keyword("sailing"), "⚓\ufe0fsailing", True),
        (Keyword("❤\ufe0f"), "I ❤\ufe0fNY", True),
        (Keyword("❤"), "I ❤\ufe0fNY", True),
        (Keyword("don't"), "I don\u2019t", True),
        (Keyword("don\u2019t"), "I don't", True),
        (Keyword("time-ball"), "the time\u2011ball", True),
        (Keyword("chronometer"), "a chrono\u00admeter", True),
        (Keyword("ball"), "ball\u200bs", False),
        (Keyword("chrono\u200bmeter", "phrase"), "a Chronometer", True),
        (Keyword("東京"), "\u200f東\u2060京\u200f", True),
        (Keyword("گرم"), "گرم\u200cتر", True),
        (Keyword("don't", "regex"), "don\u2019t", False),
        (Keyword("x"), "x\u0302", False),
        (Keyword("x\u0302"), "x\u0302y", False),
        (Keyword("time ball", "phrase"), "time❤\ufe0fball", True),
        (Keyword("दिन", "phrase"), "यह दान है", False),
        (Keyword("दिन", "phrase"), "यह, दिन; है", True),
        (Keyword("x", "phrase"), "x\u0302", False),
        (Keyword("istanbul"), "İSTANBUL", True),
        (Keyword("\u0131rmak"), "IRMAK", True),
        (Keyword("\u0131rmak k\u0131y\u0131s\u0131", "phrase"), "IRMAK-KIYISI", True),
        (Keyword("İzmir", case_sensitive=True), "izmir", False),
        (Keyword("ｶﾒﾗ"), "ｶﾒﾗｹｰｽ", True),
        (Keyword("snake"), "snake_case", False),
        (Keyword(r"time.?ball", "regex"), "TimeBall", True),
        (Keyword(r"time.?ball", "regex", case_sensitive=True), "TimeBall", False),
        (Keyword(r"^drop", "regex"), "it drops", False),
        (Keyword(r"\bк\w+т\b", "regex"), "мой кот", False),
        (Keyword("ball", exclude=("football",)), "a ball, no football", False),
        (Keyword("ball", exclude=("foot",)), "a ball, no football", True),
        (Keyword("b.ll", "regex", exclude=("gown",)), "a ball gown", False),
    ],
)
def test_what_is_found_where(keyword: Keyword, text: str, found: bool) -> None:
    assert is_found(keyword, text) is found


def test_title_and_text_of_a_post_are_looked_through_apart() -> None:
    matcher = Matcher([a_workspace(Keyword("time"), Keyword("ball"), Keyword("title text"))])

    (mention,) = matcher.mentions(an_item("the ball, no text", title="A time title"))

    assert mention.phrases == ("time", "ball")


def test_each_workspace_hears_of_its_own_keywords() -> None:
    one = a_workspace(Keyword("time"), Keyword("ball", exclude=("gown",)), name="one")
    two = a_workspace(Keyword("ball"), name="two")
    three = a_workspace(Keyword("ball"), name="three", subreddits=("clocks",))

    mentions = Matcher([one, two, three]).mentions(an_item("time for a ball gown"))

    assert {mention.workspace.workspace_id: mention.phrases for mention in mentions} == {
        "one": ("time",),
        "two": ("ball",),
    }


def test_a_workspace_that_cannot_be_served_does_not_stop_the_others() -> None:
    matcher = Matcher([a_workspace(Keyword("(", "regex"), name="bad"), a_workspace(Keyword("ball"), name="good")])

    assert [one.workspace.workspace_id for one in matcher.mentions(an_item("ball"))] == ["good"]
    assert matcher.unusable.keys() == {"bad"}


@pytest.mark.parametrize(
    ("keyword", "reason"),
    [
        (Keyword("(", "regex"), "missing"),
        (Keyword("(?=x)", "regex"), "look-arounds"),
        (Keyword(r"(a)\1", "regex"), "back-references"),
        (Keyword("(((a{100}){100}){100})", "regex"), "RE2"),
        (Keyword("!!!", "phrase"), "'!!!'"),
        (Keyword("  "), "nothing"),
        (Keyword("ok", exclude=("ok", " ")), "' '"),
    ],
)
def test_what_cannot_be_looked_for_is_refused_with_the_keyword(keyword: Keyword, reason: str) -> None:
    with pytest.raises(InvalidWorkspace, match=r"keywords: ") as raised:
        check_keyword(keyword)

    assert reason in str(raised.value)


def test_a_regular_expression_takes_linear_time() -> None:
    """In Python's own engine this would outlive the test."""
    assert not is_found(Keyword("(a+)+$", "regex"), "a" * 40_000 + "!")


words = st.text("abß Cé_-.", min_size=1, max_size=8).filter(lambda text: bool(text.strip()))


@given(phrase=words, text=st.text("abß Cé_-.", max_size=40))
def test_the_automaton_finds_what_a_loop_would_find(phrase: str, text: str) -> None:
    def spaced(given: str) -> str:
        return " ".join(given.split()).casefold()

    left = r"(?<!\w)" if re.match(r"\w", spaced(phrase)) else ""
    right = r"(?!\w)" if re.search(r"\w$", spaced(phrase)) else ""
    expected = re.search(left + re.escape(spaced(phrase)) + right, spaced(text)) is not None

    assert is_found(Keyword(phrase), text) is expected


@pytest.mark.parametrize("before", range(MOST_AT_ONCE - 10, MOST_AT_ONCE + 2))
@pytest.mark.parametrize("match", ["word", "phrase", "substring"])
def test_a_keyword_is_found_wherever_in_a_long_text_it_stands(before: int, match: Any) -> None:
    keyword, rest = Keyword("time ball", match), "x" * MOST_AT_ONCE

    assert is_found(keyword, f"{'x' * (before - 1)} time ball {rest}")
    assert not is_found(keyword, f"{'x' * (before - 1)} time bull {rest}")
    assert is_found(keyword, f"{'x' * before}time ball{rest}") is (match == "substring")


def test_keywords_that_end_with_one_another_need_little_memory() -> None:
    """Somebody may watch for `a`, `aa`, `aaa` and so on, and somebody else write nothing but that letter."""
    matcher = Matcher([a_workspace(*(Keyword("a" * length, "substring") for length in range(1, 61)))])
    text = an_item("a" * 20_000)

    tracemalloc.start()
    (mention,) = matcher.mentions(text)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(mention.phrases) == 60
    assert most < 50_000_000
