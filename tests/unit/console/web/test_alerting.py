"""Alerts on the page: a title for each, and commands that can be told from other words."""

import re
from pathlib import Path

import pytest

from services.console.web.alerting import SHOWN_OTHERWISE, TITLES, pieces, title

DOCS = Path(__file__).parents[4] / "docs" / "maintenance.md"
CODES = set(re.findall(r"^\| `([a-z_]+)` \(", DOCS.read_text(), re.MULTILINE))


def test_every_alert_of_the_runbook_has_a_title() -> None:
    assert CODES
    assert set(TITLES) == CODES
    assert SHOWN_OTHERWISE < CODES


def test_a_title_names_the_subject_whatever_is_in_it() -> None:
    assert title("posts_failing", "mastodon") == "Posts fail on mastodon"
    assert title("job_failed", "{0}") == "The job {0} failed"
    assert title("tea_is_cold", "the {pot}") == "Tea is cold: the {pot}"


def test_what_stands_in_backticks_is_a_command() -> None:
    assert list(pieces("see `top`, then `timeball status 'a b'`")) == [
        ("see ", False), ("top", True), (", then ", False), ("timeball status 'a b'", True),
    ]  # fmt: skip


def test_backticks_without_a_partner_are_backticks() -> None:
    assert list(pieces("it said `no")) == [("it said `no", False)]
    assert list(pieces("``")) == [("``", False)]


@pytest.mark.parametrize("code", ["disk_{0}", "{", "}", "{name}", "{0.x}"])
def test_a_code_of_a_newer_release_is_shown_whatever_is_in_it(code: str) -> None:
    """It must not keep the first page from being drawn."""
    assert title(code, "sda").endswith(": sda")
