"""Keywords are tried on what is there already, and nothing is left behind."""

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.events.requests import Keyword
from shared.events.trials import KeywordsTryRequested
from shared.messaging.envelope import Delivery
from tests.fakes.networks.base import HANGS, refuses
from tests.support.monitoring import Monitor


async def tried(monitor: Monitor, *phrases: str, subreddits: tuple[str, ...] = ("sailing",), **more: Any) -> Any:
    """What is answered to a trial of these keywords."""
    asked = {"subreddits": subreddits, "keywords": [{"phrase": phrase} | more for phrase in phrases]}
    event = KeywordsTryRequested.model_validate_json(json.dumps(asked))
    await monitor.trying.on_keywords_try_requested(Delivery(event, "m", "c"))
    return (await monitor.told("keywords.tried"))[-1]


async def test_what_was_posted_before_is_found(light_monitor: Monitor) -> None:
    wanted = light_monitor.network.post("sailing", "The time ball drops")
    light_monitor.network.post("sailing", "Nothing of the kind")

    answer = await tried(light_monitor, "time ball", "drops")

    assert (answer["items"], answer["found"], answer["subreddits"]) == (2, 1, ["sailing"])
    (match,) = answer["matches"]
    assert (match["item_id"], match["keywords"]) == (wanted, ["time ball", "drops"])


async def test_nothing_is_kept_and_nobody_is_told(light_monitor: Monitor) -> None:
    light_monitor.network.post("sailing", "The time ball drops")
    await light_monitor.configure(targets=["json://example.org/x"])

    await tried(light_monitor, "time ball")

    assert await light_monitor.store.bookmarks("post") == {}
    assert await light_monitor.told("mention.found") == []
    assert await light_monitor.told("notification.requested") == []


async def test_at_most_fifty_are_shown_and_all_are_counted(light_monitor: Monitor) -> None:
    for number in range(60):
        light_monitor.network.post("sailing", f"time ball {number}")

    answer = await tried(light_monitor, "time ball")

    assert (answer["found"], len(answer["matches"])) == (60, 50)
    instants = [match["created_at"] for match in answer["matches"]]
    assert instants == sorted(instants, reverse=True)


@pytest.mark.parametrize(
    ("phrase", "more", "subreddits", "reason"),
    [
        ("(", {"match": "regex"}, ("sailing",), "keywords: '('"),
        ("x", {}, (), "subreddits: none is named"),
        ("x", {}, ("all",), "subreddits: 'all'"),
        ("x", {"exclude": ["y"] * 51}, ("sailing",), "keywords[].exclude"),
    ],
)
async def test_what_cannot_be_looked_for_is_told(
    light_monitor: Monitor, phrase: str, more: dict[str, Any], subreddits: tuple[str, ...], reason: str
) -> None:
    answer = await tried(light_monitor, phrase, subreddits=subreddits, **more)

    assert answer["rejection"].startswith(reason)


async def test_a_subreddit_that_cannot_be_read_does_not_stop_the_others(light_monitor: Monitor) -> None:
    light_monitor.network.faults = [refuses(403, {"reason": "private"})]
    light_monitor.network.post("sailing", "The time ball drops")

    answer = await tried(light_monitor, "time ball", subreddits=("secret", "sailing"))

    assert answer["found"] == 1
    assert [problem["subreddit"] for problem in answer["problems"]] == ["secret"]


async def test_whoever_tries_gets_an_answer_while_they_wait_though_reddit_gives_none(light_monitor: Monitor) -> None:
    light_monitor.network.post("sailing", "The time ball drops")
    light_monitor.network.faults = [HANGS] * 99
    request = KeywordsTryRequested(subreddits=("sailing", "clocks"), keywords=(Keyword(phrase="time ball"),))

    await replace(light_monitor.trying, seconds=0.2).on_keywords_try_requested(Delivery(request, "m", "c"))

    (answer,) = await light_monitor.told("keywords.tried")
    assert [(one["subreddit"], "too long" in one["error"]) for one in answer["problems"]] == [
        ("sailing", True), ("clocks", True),
    ]  # fmt: skip
