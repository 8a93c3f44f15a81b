"""Instants on the clock of a zone, as people read them on the page and on the command line. Pure."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def on_clock(instant: datetime, zone: ZoneInfo | None = None) -> datetime:
    """The instant in the zone, or in this machine's; in UTC where the zone's calendar would be beyond the year 9999.

    `9999-12-31` stands for "never" in many a file: one such post must not keep the others from being shown.
    """
    try:
        return instant.astimezone(zone)
    except OverflowError:
        return instant.astimezone(UTC)
