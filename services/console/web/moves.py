"""What a move in the calendar would mean: the old and the new time in words, and what should be known of it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.console.read_model.due_spans import NEAR, Company
from services.console.shown_times import on_clock
from shared.clocks.local_time import in_utc, reading_of
from shared.posting.rules import PAST_TOLERANCE


@dataclass(frozen=True, slots=True)
class Move:
    """A new time on the clock of a zone."""

    local: datetime
    zone: ZoneInfo

    @property
    def instant(self) -> datetime:
        """As the scheduler will understand it."""
        return in_utc(self.local, self.zone)

    @property
    def is_skipped(self) -> bool:
        """Whether no clock in the zone ever shows this time."""
        return reading_of(self.local, self.zone) == "skipped"

    @property
    def comes_twice(self) -> bool:
        """Whether clocks show it twice, an hour or so apart."""
        return reading_of(self.local, self.zone) == "twice"

    def is_possible(self, now: datetime) -> bool:
        """Whether the scheduler would take it: nothing is published in the past."""
        return self.instant >= now - PAST_TOLERANCE


def notes_on(move: Move, company: Company, *, now: datetime, is_connected: bool) -> list[str]:
    """What whoever moves a post should know before it is done."""
    shown = f"{move.local:%H:%M:%S}"
    notes = {
        "That is past: choose a time to come.": not move.is_possible(now),
        f"No clock shows {shown} on that day: it is skipped, and the first time after it is taken.": move.is_skipped,
        f"Clocks show {shown} twice on that day: the first time is taken.": move.comes_twice,
        "Another post is due on this account at the same instant.": company.is_at_once,
        f"Another post is due on this account within {NEAR.seconds // 60} minutes.": company.is_near
        and not company.is_at_once,
        "This account is not connected: the post would be held.": not is_connected,
    }
    return [note for note, holds in notes.items() if holds]


def in_words(instant: datetime, zone: ZoneInfo) -> str:
    """`Fri 26 Mar 2027, 02:30:15 CET (UTC+01:00)`"""
    local = on_clock(instant, zone)
    offset = f"{local:%z}"
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z} (UTC{offset[:3]}:{offset[3:]})"
