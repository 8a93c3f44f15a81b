"""What networks say to a post that is being written."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.console.web.checking import Network, Problem, Said, Written, checked
from shared.events.rules import MediaRule, PostRules, TextRule

NOW = datetime(2027, 1, 1, tzinfo=UTC)
SHORT = PostRules(text=TextRule(most=5), caption=TextRule(most=3), needs_text=True, media=MediaRule(most=1))
LONG = PostRules(text=TextRule(most=500, counted_in="graphemes", with_option="spoiler_text"))
PICTURE = {"url": "https://a.example/b.png", "alt": "b"}
KNOWN = {"a": Network("x", SHORT), "b": Network("mastodon", LONG), "c": Network("webhook")}


def said(*account_ids: str, **written: Any) -> Said:
    targets = [{"account_id": account_id} for account_id in account_ids]
    return checked(Written.model_validate({"targets": targets} | written), KNOWN, NOW)


def test_each_account_counts_by_its_own_rules() -> None:
    found = said("a", "b", "c", content="six 66")
    short, long = found.counts["a"], found.counts["b"]

    assert short and (short.count, short.most, short.is_over) == (6, 5, True)
    assert long and (long.count, long.most, long.is_over) == (6, 500, False)
    assert found.counts["c"] is None
    assert [one.account_ids for one in found.problems] == [("a",)]


@pytest.mark.parametrize("platform", ["a", "c"])
def test_a_text_that_is_longer_than_any_may_be_is_told_and_the_rest_is_judged_all_the_same(platform: str) -> None:
    long, targets = "x" * 100_001, [{"account_id": platform}, {"account_id": "b", "content": "y" * 100_002}]

    found = said(content=long, targets=targets, media=[{"url": "half"}])

    told = "content: it has {} characters, and at most 100,000 are possible; shorten it"
    assert list(found.problems[:2]) == [Problem(told.format("100,001")), Problem(told.format("100,002"), ("b",))]
    assert found.problems[2].words.startswith("media[0].url: ")
    assert (len(found.problems), found.counts, len(found.previews)) == (3, {platform: None, "b": None}, 2)


def test_a_caption_has_its_own_length() -> None:
    found = said("a", content="four", media=[PICTURE])

    assert found.counts["a"] and found.counts["a"].most == 3
    assert "beside media" in found.problems[0].words


def test_an_account_with_a_text_of_its_own_is_judged_by_that() -> None:
    targets = [{"account_id": "a", "content": "four"}, {"account_id": "b"}]

    found = said(content="much longer", targets=targets)

    assert found.problems == []
    assert [one.account_ids for one in found.previews] == [["a"], ["b"]]


def test_what_an_option_adds_to_the_text_counts() -> None:
    found = said(content="text", targets=[{"account_id": "b", "options": {"spoiler_text": "warning"}}])

    assert found.counts["b"] and found.counts["b"].count == len("textwarning")


def test_an_option_that_the_network_does_not_know_is_told() -> None:
    strict = Network("x", PostRules(other_options=False))
    targets = [{"account_id": "a", "options": {"colour": "red"}}]

    found = checked(Written.model_validate({"content": "x", "targets": targets}), {"a": strict}, NOW)

    assert "options.colour: is not known" in found.problems[0].words


def test_of_what_is_not_begun_nothing_is_said() -> None:
    assert said("a", "b").problems == []


def test_an_address_that_is_half_written_is_told_and_the_rest_is_judged_all_the_same() -> None:
    found = said("a", content="four", media=[{"url": "pictures.example/a"}])

    assert found.problems[0].words.startswith("media[0].url: ")
    assert (found.problems[1].account_ids, found.problems[1].words.partition(":")[0]) == (("a",), "content")


def test_an_account_that_is_not_connected_is_told() -> None:
    found = checked(
        Written.model_validate({"targets": [{"account_id": "gone"}]}), {"gone": Network("x", None, False)}, NOW
    )

    assert found.problems == [Problem("it is not connected; connect it again", ("gone",))]


def test_an_account_whose_posts_would_be_held_is_told() -> None:
    written = Written.model_validate({"targets": [{"account_id": "a"}]})

    found = checked(written, {"a": Network("x", needs_reconnect=True)}, NOW)

    (found_one,) = found.problems
    assert found_one.account_ids == ("a",)
    assert found_one.words == "its network takes nothing until it is connected again; what is due before is held"


def test_accounts_on_which_it_looks_alike_share_a_preview() -> None:
    alike = {name: Network("x", SHORT) for name in ("one", "two")}
    targets = [{"account_id": name} for name in alike]

    found = checked(Written.model_validate({"content": "x", "targets": targets}), alike, NOW)

    assert [one.account_ids for one in found.previews] == [["one", "two"]]


def test_of_many_looks_the_first_are_drawn_and_the_others_counted() -> None:
    targets = [{"account_id": str(number), "content": str(number)} for number in range(20)]

    found = checked(Written.model_validate({"targets": targets}), {}, NOW)

    assert (len(found.previews), found.unshown) == (12, 8)


@pytest.mark.parametrize(
    ("local", "zone", "problem"),
    [
        ("2026-12-31T23:58", "UTC", "publish_at: it is in the past; choose a time to come"),
        ("2026-12-31T23:59", "UTC", None),
        ("2027-02-30T09:00", "UTC", "publish_at: day "),
        ("2027-02-01T09:00", "Mars/Olympus", "publish_at: unknown time zone 'Mars/Olympus'"),
    ],
)
def test_a_time_is_judged(local: str, zone: str, problem: str | None) -> None:
    found = said("c", content="x", publish_at={"local": local, "zone": zone})

    assert bool(found.problems) is (problem is not None)
    assert (problem or "") in "".join(one.words for one in found.problems)


def test_what_repeats_shows_all_its_times() -> None:
    repeat = {"every": "day", "times": 3}
    found = said("c", content="x", publish_at={"local": "2026-12-31T09:00", "zone": "UTC"}, repeat=repeat)

    assert [one.instant.day for one in found.times] == [31, 1, 2]
    assert found.problems == [Problem("publish_at: 1 of these 3 times are in the past; choose a time to come")]
    assert said("c", repeat=repeat).problems == [Problem("publish_at: choose the first time of those that repeat")]
