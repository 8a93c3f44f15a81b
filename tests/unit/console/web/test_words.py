"""The page's words for spans, figures and states."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.console.web import words
from services.console.web.templating import Viewer
from shared.events.progress import State


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.4, "now"), (-0.9, "now"), (59.9, "in 59 s"), (-60, "1 min ago"), (7_200, "in 2 h"), (-200_000, "2 d ago")],
)
def test_how_far_away_an_instant_is(seconds: float, told: str) -> None:
    assert words.away(timedelta(seconds=seconds)) == told


@pytest.mark.parametrize(
    ("days", "seconds", "told"),
    [
        (-2, 0, "2 days earlier"),
        (0, 5_400, "90 minutes later"),
        (-1, -3_600, "1 day and 1 hour earlier"),
        (1, -3_600, "1 day and -1 hour later"),
    ],
)
def test_how_far_a_post_is_moved(days: int, seconds: int, told: str) -> None:
    assert words.shift(days, seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (4_291_200, "in 49 days"),
        (108_000, "in 30 hours"),
        (-172_800, "2 days ago"),
        (7_199, "in 119 minutes"),
        (60, "in 1 minute"),
        (-59, "59 seconds ago"),
        (0.4, "now"),
    ],
)
def test_how_far_away_an_instant_is_in_words(seconds: float, told: str) -> None:
    assert words.in_words(timedelta(seconds=seconds)) == told


@pytest.mark.parametrize(
    ("milliseconds", "told"),
    [(None, ""), (0.42, "+0.4 ms"), (-3.0, "-3.0 ms"), (16.2, "+16 ms"), (1_234.0, "+1.2 s"), (90_000.0, "+1.5 min")],
)
def test_how_late_a_send_started(milliseconds: float | None, told: str) -> None:
    assert words.lateness(milliseconds) == told


def test_every_state_has_a_word() -> None:
    assert set(words.STATES) == {state.value for state in State}


def test_an_instant_is_told_in_words_with_its_date_once_that_is_needed() -> None:
    viewer = Viewer(datetime(2027, 3, 28, 5, 57, tzinfo=UTC), ZoneInfo("Europe/Berlin"))

    assert viewer.in_full(datetime(2027, 3, 28, 6, tzinfo=UTC)) == "in 3 minutes, Sunday 08:00 Europe/Berlin"
    assert viewer.in_full(datetime(2027, 6, 1, tzinfo=UTC)) == "in 64 days, Tuesday 1 June 2027 02:00 Europe/Berlin"
