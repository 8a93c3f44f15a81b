"""A counter that people see and the rule that refuses always agree, for the rules of every network."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.publisher.platforms.base import Account
from services.publisher.platforms.bluesky.platform import RULES as BLUESKY
from services.publisher.platforms.discord.platform import Discord
from services.publisher.platforms.linkedin.platform import LinkedIn
from services.publisher.platforms.mastodon.rules import rules_of
from services.publisher.platforms.reddit.platform import Reddit
from services.publisher.platforms.telegram.platform import Telegram
from services.publisher.platforms.x.platform import X
from shared.events.rules import PostRules
from shared.posting.lengths import Length, end_of_what_fits, lengths, rule_for, telling
from shared.posting.rules import problem

PICTURE = [{"url": "https://a.example/b.png"}]
OPTIONS: Mapping[str, Mapping[str, str]] = {"mastodon": {"spoiler_text": "Beware"}, "telegram": {"parse_mode": "HTML"}}
PIECES = (
    "a",
    "é",
    "時",
    "👩‍👩‍👧",
    "🇩🇪",
    " ",
    "\n",
    "<b>",
    " https://timeball.com/one ",
    " timeball.com ",
    " @a@b.example ",
    "&amp;",
)
TEXTS = st.lists(st.tuples(st.sampled_from(PIECES), st.integers(1, 400)), max_size=6).map(
    lambda parts: "".join(piece * times for piece, times in parts)
)


async def rules_by_network() -> dict[str, PostRules]:
    told = {"bluesky": BLUESKY, "mastodon": rules_of({"configuration": {"statuses": {"max_characters": 500}}})}
    async with httpx.AsyncClient() as client:
        for adapter in (Discord(client), LinkedIn(client), Reddit(client), Telegram(client), X(client)):
            told[adapter.name] = await adapter.rules(Account("a", adapter.name, {}, {}))
    return told


RULES = asyncio.run(rules_by_network())
network = pytest.mark.parametrize("name", RULES)


@network
@given(text=TEXTS, has_media=st.booleans(), with_options=st.booleans())
def test_what_is_over_is_refused_and_nothing_else(name: str, text: str, has_media: bool, with_options: bool) -> None:
    rules = RULES[name]
    assume(text.strip())
    options = OPTIONS.get(name, {}) if with_options else {}
    media = PICTURE if has_media else []
    rule = rule_for(rules, has_media=has_media)
    assert rule

    found = problem(rules, text, media, options)

    assert telling(lengths(text, rule, options)).is_over is (found is not None and found[0] == "content_too_long")


@network
@given(text=TEXTS, has_media=st.booleans())
def test_what_fits_is_as_much_as_can_be(name: str, text: str, has_media: bool) -> None:
    rule = rule_for(RULES[name], has_media=has_media)
    assert rule

    end = end_of_what_fits(text, rule, {})

    assert not any(one.is_over for one in lengths(text[:end], rule, {})) or end == 0
    assert end == len(text) or any(one.is_over for one in lengths(text, rule, {}))


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("bluesky", "👩‍👩‍👧時", Length(2, 300, "graphemes")),
        ("bluesky", "👩‍👩‍👧" * 170, Length(3060, 3000, "bytes")),
        ("discord", "👩‍👩‍👧時", Length(6, 2000, "characters")),
        ("linkedin", "時", Length(1, 3000, "characters")),
        (
            "mastodon",
            "👩‍👩‍👧 https://timeball.com/a/very/long/path/indeed @one@two.example",
            Length(30, 500, "graphemes"),
        ),
        ("reddit", "時", Length(1, 40_000, "characters")),
        ("telegram", "👩‍👩‍👧", Length(5, 4096, "characters")),
        ("x", "👩‍👩‍👧時 timeball.com/a/very/long/path/indeed", Length(28, 280, "weighted")),
    ],
)
def test_each_network_counts_in_its_own_way(name: str, text: str, count: Length) -> None:
    rule = RULES[name].text
    assert rule

    assert telling(lengths(text, rule, {})) == count
