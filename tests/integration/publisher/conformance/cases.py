"""Every network that the suite runs over: one line each."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.integration.publisher.conformance import (
    bluesky,
    discord,
    guide,
    linkedin,
    mastodon,
    plain,
    reddit,
    telegram,
    x,
)
from tests.integration.publisher.conformance.case import Case

CASES: tuple[Case[Any], ...] = (
    *plain.CASES,
    bluesky.CASE,
    *discord.CASES,
    guide.CASE,
    linkedin.CASE,
    mastodon.CASE,
    reddit.CASE,
    telegram.CASE,
    x.CASE,
)  # fmt: skip


def over(fits: Callable[[Case[Any]], object]) -> pytest.MarkDecorator:
    """Runs a test over the networks that fit."""
    return pytest.mark.parametrize("bench", [case for case in CASES if fits(case)], indirect=True, ids=repr)


def over_each(name: str, entries: Callable[[Case[Any]], Iterable[str]]) -> pytest.MarkDecorator:
    """Runs a test over every network, once for each of these entries; `name` is the argument that tells which."""
    pairs = [pytest.param(case, entry, id=f"{case}-{entry}") for case in CASES for entry in entries(case)]
    return pytest.mark.parametrize(("bench", name), pairs, indirect=["bench"])
