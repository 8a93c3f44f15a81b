"""What networks say to a post that is being written."""

from services.console.web.checking import Written, checked
from shared.events.requests import Media
from shared.events.rules import PostRules, TextRule

SHORT = PostRules(text=TextRule(most=5), caption=TextRule(most=3), needs_text=True)


def test_each_account_counts_by_its_own_rules() -> None:
    long = PostRules(text=TextRule(most=500, counted_in="graphemes"))
    short, other = checked(Written(content="six 66", account_ids=["a", "b"]), {"a": SHORT, "b": long})

    assert (short.count, short.most, bool(short.problem)) == (6, 5, True)
    assert (other.count, other.most, other.problem) == (6, 500, None)


def test_a_caption_has_its_own_length() -> None:
    written = Written(content="four", media=[Media(url="https://a.example/b.png")], account_ids=["a"])

    (said,) = checked(written, {"a": SHORT})

    assert (said.count, said.most, bool(said.problem)) == (4, 3, True)


def test_without_rules_nothing_is_said() -> None:
    (said,) = checked(Written(content="x" * 1000, account_ids=["a"]), {})

    assert (said.count, said.most, said.problem) == (None, None, None)


def test_a_text_that_is_missing_is_said() -> None:
    (said,) = checked(Written(account_ids=["a"]), {"a": SHORT})

    assert said.problem is not None
    assert "content" in said.problem
