"""What a move would mean is said before it is done; what stands in a post's way is said in words."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.console.read_model.due_spans import Company
from services.console.web.marks import explained, marks_on
from services.console.web.moves import Move, in_words, notes_on
from shared.events.progress import State

BERLIN = ZoneInfo("Europe/Berlin")
ALONE = Company()
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def notes(local: str, company: Company = ALONE, *, is_connected: bool = True) -> str:
    move = Move(datetime.fromisoformat(local), BERLIN)
    return " ".join(notes_on(move, company, now=NOW, is_connected=is_connected))


def test_a_move_that_is_as_one_thinks_needs_no_words() -> None:
    assert notes("2027-03-27T02:30:15") == ""


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (notes("2027-03-28T02:30"), "No clock shows 02:30:00"),
        (notes("2027-10-31T02:30"), "twice on that day: the first time is taken"),
        (notes("2026-12-31T02:30"), "That is past"),
        (notes("2027-03-27T02:30", Company(is_at_once=True, is_near=True)), "at the same instant"),
        (notes("2027-03-27T02:30", Company(is_near=True)), "within 5 minutes"),
        (notes("2027-03-27T02:30", is_connected=False), "not connected"),
    ],
)
def test_what_one_may_not_think_of_is_said(told: str, said: str) -> None:
    assert said in told


def test_an_instant_is_told_with_its_zone_and_offset() -> None:
    at = datetime(2027, 3, 26, 1, 30, 15, tzinfo=UTC)

    assert in_words(at, BERLIN) == "Fri 26 Mar 2027, 02:30:15 CET (UTC+01:00)"
    assert in_words(at, ZoneInfo("Asia/Kathmandu")).endswith("(UTC+05:45)")


def test_marks_are_for_what_may_still_be_changed() -> None:
    both = Company(is_at_once=True, is_near=True)

    assert list(marks_on(State.SCHEDULED, both, is_connected=False)) == ["not connected", "at once"]
    assert list(marks_on(State.HELD, Company(is_near=True), is_connected=True)) == ["held", "close"]
    assert list(marks_on(State.PUBLISHED, both, is_connected=False)) == []


def test_only_marks_that_are_there_are_explained() -> None:
    assert explained({"close"}) == [("close", "another post is due on its account within 5 minutes")]
