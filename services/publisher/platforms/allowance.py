"""What a network's headers say of its limits: how many requests remain, and when there will be more. No I/O.

Networks agree on neither names nor units: `X-RateLimit-Reset` is an instant (epoch seconds or ISO 8601) here and a
number of seconds there, and Reddit counts requests in fractions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite, isnan

from services.publisher.platforms.reply import http_date

LONGEST_WAIT = timedelta(days=1)
"""A platform that asks for more is asked again after a day: what it says may be nonsense."""
PREFIXES = ("x-ratelimit", "ratelimit", "x-rate-limit")
RESETS = ("reset-after", "reset")
EARLIEST_EPOCH = 1_000_000_000
"""A number of seconds at least this large, and less than ten times as large, is an instant."""
EPOCH_UNITS = (1, 1_000, 1_000_000, 1_000_000_000)
"""Instants are told in seconds, or in thousandths, millionths or billionths of them."""
ONE_REQUEST = 1.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many requests remain until the network counts anew."""

    remaining: float
    resets_at: datetime
    whole_app: bool = False
    """Whether all accounts of the app share it."""

    @property
    def is_used_up(self) -> bool:
        """Whether another request would be refused."""
        return self.remaining < ONE_REQUEST


def allowance_of(headers: Mapping[str, str], now: datetime, server_time: datetime | None = None) -> Allowance | None:
    """What a reply's headers say, or None where they say nothing that can be understood."""
    for prefix in PREFIXES:
        remaining = _number(headers.get(f"{prefix}-remaining", ""))
        if remaining is None:
            continue
        for name in RESETS:
            wait = wait_until(headers.get(f"{prefix}-{name}", ""), server_time or now)
            if wait is not None:
                return Allowance(remaining, now + wait)
    return None


def is_spent(prefix: str, headers: Mapping[str, str]) -> bool:
    """Whether the headers of one limit, which begin so, say that another request would be refused."""
    remaining = _number(headers.get(f"{prefix}-remaining", ""))
    return remaining is not None and remaining < ONE_REQUEST


def retry_after_of(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the platform asks us to wait: `Retry-After` in seconds or as a date."""
    return wait_until(headers.get("retry-after", ""), now)


def wait_of(value: object, most: timedelta = LONGEST_WAIT) -> timedelta | None:
    """A number of seconds in a reply's JSON as a wait, so long at most; None where it is no wait at all."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return None
    return timedelta(seconds=min(value, most.total_seconds()))


def wait_until(text: str, now: datetime) -> timedelta | None:
    """A wait from now, a day at most, given as seconds, epoch seconds, or an instant."""
    value = text.strip()
    seconds = _seconds(value, now)
    wait = seconds if seconds is not None else _until(value, now)
    return None if wait is None else min(max(timedelta(0), wait), LONGEST_WAIT)


def _seconds(value: str, now: datetime) -> timedelta | None:
    try:
        number = float(value)
    except ValueError:
        return None
    instants = (number / unit for unit in EPOCH_UNITS)
    instant = next((one for one in instants if EARLIEST_EPOCH <= one < EARLIEST_EPOCH * 10), None)
    wait = number if instant is None else instant - now.timestamp()
    most = LONGEST_WAIT.total_seconds()
    return None if isnan(wait) else timedelta(seconds=min(max(wait, -most), most))


def _until(value: str, now: datetime) -> timedelta | None:
    instant = _iso(value) or http_date(value)
    if instant is None:
        return None
    in_utc = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return in_utc - now


def _iso(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text.strip())
    except ValueError:
        return None
    return number if isfinite(number) else None
