"""Rows of the scheduler's tables, as they are read and written."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import RowMapping

from services.scheduler.domain import Schedule
from shared.database.bulk import row_of
from shared.events.progress import State
from shared.events.rules import PostRules

_KEY = ("post_id", "account_id")
OUTCOME = ("state", "attempts", "retries", "in_doubt", "pending", "outcome_expected_at")
"""What facts of the publisher change."""
PENDING = ("pending", "outcome_expected_at", "asked_at")
"""What a request that waits changes."""


@lru_cache(maxsize=1000)
def rules_in(told: str | None) -> PostRules | None:
    """The rules in an account's row; accounts of one network mostly have the same."""
    return PostRules.model_validate_json(told) if told else None


def schedule_in(row: RowMapping) -> Schedule:
    return Schedule(**{**row, "state": State(row["state"])})


def outcome_row(schedule: Schedule, now: datetime) -> dict[str, Any]:
    return row_of(schedule, _KEY + OUTCOME) | {"updated_at": now}


def pending_row(schedule: Schedule) -> dict[str, Any]:
    return row_of(schedule, _KEY + PENDING)


def asked_row(schedule: Schedule) -> dict[str, Any]:
    return row_of(schedule, (*_KEY, "asked_at"))


def repeated_row(schedule: Schedule, now: datetime) -> dict[str, Any]:
    sweeps = schedule.sweeps + 1
    return row_of(schedule, _KEY) | {"sweeps": sweeps, "outcome_expected_at": now + patience(sweeps)}


def dispatched_row(schedule: Schedule, now: datetime) -> dict[str, Any]:
    """An outcome is expected once it is due."""
    expected_at = max(schedule.publish_at, now) + patience(schedule.sweeps)
    return row_of(schedule, (*_KEY, "revision")) | {"outcome_expected_at": expected_at}


def patience(sweeps: int) -> timedelta:
    """How much longer an outcome is waited for: each sweep doubles it, up to about an hour."""
    return timedelta(minutes=2 ** min(sweeps, 6) - 1)
