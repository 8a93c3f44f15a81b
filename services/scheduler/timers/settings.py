"""The table of timers: the defaults, and what TIMEBALL_TIMERS makes of them. No I/O."""

import json
import re
from collections.abc import Mapping
from typing import Any

from services.scheduler.timers.cron import BadCron
from services.scheduler.timers.timer import Timer, checked
from shared.clocks.local_time import UnknownZone

DEFAULTS: Mapping[str, str] = {
    "monitor.check": "*/5 * * * *",
    "digest.send": "*/15 * * * *",
    "token.refresh_check": "*/15 * * * *",
    "retention.purge": "0 * * * *",
    "analytics.aggregate": "0 0 * * *",
}
EXAMPLE = '{"monitor.check": "*/10 * * * *", "analytics.aggregate": {"cron": "0 3 * * *", "zone": "Europe/Berlin"}}'
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,100}")
LONGEST_CRON = 200


def timers_in(text: str) -> tuple[Timer, ...]:
    """The timers there are; ValueError names the timer, what it was given, and what would be right."""
    crons: dict[str, Any] = {**DEFAULTS, **_object(text)}
    timers = (_timer(name, given) for name, given in crons.items())
    return tuple(timer for timer in timers if timer)


def _object(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON ({error}); give an object such as {EXAMPLE}") from error
    if not isinstance(given, dict):
        raise ValueError(f"{_shown(given)} is no JSON object; give one such as {EXAMPLE}")
    return given


def _timer(name: str, given: Any) -> Timer | None:
    """The timer, or None where it is switched off."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{_shown(name)} is no name of a timer: use 1 to 100 letters, digits and the signs _ . : -")
    cron, zone = _cron_and_zone(name, given)
    if cron is None or (isinstance(cron, str) and not cron.strip()):
        if name not in DEFAULTS:
            raise ValueError(f"{name}: no timer of this name can be switched off; there are {', '.join(DEFAULTS)}")
        return None
    if not isinstance(cron, str) or not isinstance(zone, str) or len(cron) > LONGEST_CRON:
        raise ValueError(f'{name}: {_shown(given)} is no cron expression: give a text such as "*/5 * * * *"')
    try:
        return checked(Timer(name, " ".join(cron.split()), zone))
    except (BadCron, UnknownZone) as error:
        raise ValueError(f"{name}: {error}") from error


def _cron_and_zone(name: str, given: Any) -> tuple[Any, Any]:
    if not isinstance(given, dict):
        return given, "UTC"
    if unknown := sorted(given.keys() - {"cron", "zone"}):
        raise ValueError(f"{name}: {_shown(unknown[0])} is unknown: give cron and zone")
    if "cron" not in given and name not in DEFAULTS:
        raise ValueError(f'{name}: the cron expression is missing: give {{"cron": "*/5 * * * *"}}')
    return given.get("cron", DEFAULTS.get(name)), given.get("zone", "UTC")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"  # noqa: PLR2004
