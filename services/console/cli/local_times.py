"""Times as this machine's clock shows them, with the zone that it is in."""

from datetime import datetime
from zoneinfo import ZoneInfoNotFoundError

from tzlocal import get_localzone_name

from services.console.shown_times import on_clock
from shared.clocks.local_time import UnknownZone, zone_named


def own_zone() -> str | None:
    """The IANA name of this machine's zone; None where it has none, so that nothing is guessed."""
    try:
        name = get_localzone_name()
        return zone_named(name).key if name else None
    except (UnknownZone, ZoneInfoNotFoundError):
        return None


def shown_zone() -> str:
    """What to call the zone that times are shown in."""
    return own_zone() or f"this machine's zone, {datetime.now().astimezone():%Z}"


def local_time(instant: str | datetime | None) -> str | None:
    """The instant on this machine's clock, to the second."""
    if not instant:
        return None
    moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    return f"{on_clock(moment):%Y-%m-%d %H:%M:%S}"


def with_zone(title: str) -> str:
    """The title of a table that shows times."""
    return f"{title} (times in {shown_zone()})"
