"""Instants and durations as people read them, on the page and on the command line. Pure."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
"""In seconds, the longest first."""


def on_clock(instant: datetime, zone: ZoneInfo | None = None) -> datetime:
    """The instant in the zone, or in this machine's; in UTC where the zone's calendar would be beyond the year 9999.

    `9999-12-31` stands for "never" in many a file: one such post must not keep the others from being shown.
    """
    try:
        return instant.astimezone(zone)
    except OverflowError:
        return instant.astimezone(UTC)


def duration(milliseconds: float | None) -> str:
    """`0.4 ms`, `1.2 s`"""
    if milliseconds is None:
        return ""
    if milliseconds < 10:  # noqa: PLR2004  (a digit more where it says something)
        return f"{milliseconds:.1f} ms"
    if milliseconds < 1_000:  # noqa: PLR2004
        return f"{milliseconds:.0f} ms"
    return _span(milliseconds / 1_000)


def _span(seconds: float) -> str:
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    return next(f"{seconds / length:.1f} {unit}" for length, unit in UNITS if seconds >= length)
