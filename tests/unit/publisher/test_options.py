"""Options: declared once for each network, and checked in one way."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from services.publisher.platforms import platforms
from services.publisher.platforms.base import Account, Post
from services.publisher.platforms.bluesky.options import OPTIONS as BLUESKY
from services.publisher.platforms.discord.options import OPTIONS as DISCORD
from services.publisher.platforms.errors import Rejected
from services.publisher.platforms.linkedin.options import OPTIONS as LINKEDIN
from services.publisher.platforms.mastodon.options import OPTIONS as MASTODON
from services.publisher.platforms.options import Options, choice, flag, number, text, url
from services.publisher.platforms.reddit.options import OPTIONS as REDDIT
from services.publisher.platforms.telegram.options import OPTIONS as TELEGRAM
from services.publisher.platforms.x.options import OPTIONS as X
from shared.posting.rules import problem
from tests.support.publications import a_post

TABLES = {
    "bluesky": BLUESKY,
    "discord": DISCORD,
    "linkedin": LINKEDIN,
    "mastodon": MASTODON,
    "reddit": REDDIT,
    "telegram": TELEGRAM,
    "x": X,
}
EVERY = Options((flag("loud"), number("of"), choice("who", ("all", "few")), text("called", 5), url("at")))
ENDPOINTS = ("sandbox", "webhook")
"""They have no options of their own: all that are given are passed on."""


def with_options(**options: Any) -> Post:
    return replace(a_post(), media=[], options=options)


def refusal_of(options: Options, **given: Any) -> str:
    with pytest.raises(Rejected) as caught:
        options.checked(with_options(**given))
    assert caught.value.detail.code == "invalid_options"
    return caught.value.detail.message


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"loud": "true", "of": "7", "who": "few", "called": "Noon", "at": "https://x.example"},
         {"loud": True, "of": 7, "who": "few", "called": "Noon", "at": "https://x.example"}),
        ({"loud": False, "of": 0}, {"loud": False, "of": 0}),
        ({"loud": None, "of": "", "who": None, "called": ""}, {}),
        ({}, {}),
    ],
)  # fmt: skip
def test_options_are_read_as_the_network_uses_them(given: dict[str, Any], read: dict[str, Any]) -> None:
    checked = EVERY.checked(with_options(**given))

    assert checked.options == read
    assert EVERY.checked(checked) == checked


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"loud": "yes"}, "options.loud: 'yes' is not true or false"),
        ({"loud": 1}, "options.loud: 1 is not true or false"),
        ({"of": True}, "options.of: True is not a whole number"),
        ({"of": "-1"}, "options.of: '-1' is not a whole number"),
        ({"of": "1" * 21}, "is not a whole number"),
        ({"who": "none"}, "options.who: 'none' is not all or few"),
        ({"called": "Midnight"}, "options.called: 'Midnight' is not a text of at most 5 characters"),
        ({"called": 7}, "options.called: 7 is not a text"),
        ({"at": "x.example"}, "options.at: 'x.example' is not an http(s) URL"),
        ({"lowd": True}, "options.lowd: is not known; did you mean loud?"),
        ({"colour": "red"}, "options.colour: is not known; there are at, called, loud, of and who"),
    ],
)
def test_what_cannot_work_is_told(given: dict[str, Any], reason: str) -> None:
    assert reason in refusal_of(EVERY, **given)


def test_a_network_without_options_says_so() -> None:
    assert refusal_of(Options(), mood="festive") == "options.mood: is not known; this account's network has none"


def test_a_long_value_is_not_told_in_full() -> None:
    assert len(refusal_of(EVERY, who="x" * 10_000)) < 200


def test_every_network_declares_its_options() -> None:
    assert {*TABLES, *ENDPOINTS} == set(platforms(httpx.AsyncClient()))


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_an_unknown_option_is_refused_everywhere_with_the_one_that_was_meant(table: Options) -> None:
    """`visibilty: CONNECTIONS` would go out to everybody."""
    for rule in table.rules:
        assert f"did you mean {rule.name}?" in refusal_of(table, **{rule.name + "s": "x"})


@pytest.mark.parametrize("name", TABLES)
async def test_whoever_schedules_is_told_of_the_same_options(name: str) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(404))) as client:
        settings = {"server": "https://a.example", "channel_id": "7", "chat_id": 7, "subreddit": "a"}
        rules = await platforms(client)[name].rules(Account("account", name, settings, {"bot_token": "MQ.a.b"}))

    found = problem(rules, "Noon.", [], {"visibilty": "x"})
    assert rules.options == TABLES[name].rules
    assert found is not None
    assert found[1].startswith("options.visibilty: is not known; ")


def test_the_option_that_was_meant_is_named() -> None:
    assert refusal_of(LINKEDIN, visibilty="CONNECTIONS") == "options.visibilty: is not known; did you mean visibility?"
