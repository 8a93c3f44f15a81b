"""Rows of the scheduler's tables, as they are read and written."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import RowMapping

from services.scheduler.domain import Schedule
from shared.events.progress import State
from shared.events.rules import PostRules


@lru_cache(maxsize=1000)
def rules_in(told: str | None) -> PostRules | None:
    """The rules in an account's row; accounts of one network mostly have the same."""
    return PostRules.model_validate_json(told) if told else None


def schedule_in(row: RowMapping) -> Schedule:
    return Schedule(**{**row, "state": State(row["state"])})


def outcome_row(schedule: Schedule, now: datetime) -> dict[str, Any]:
    return {
        "post_id": schedule.post_id,
        "account_id": schedule.account_id,
        "state": schedule.state,
        "attempts": schedule.attempts,
        "retries": schedule.retries,
        "in_doubt": schedule.in_doubt,
        "pending": schedule.pending,
        "outcome_expected_at": schedule.outcome_expected_at,
        "updated_at": now,
    }


def pending_row(schedule: Schedule) -> dict[str, Any]:
    return {
        "post_id": schedule.post_id,
        "account_id": schedule.account_id,
        "pending": schedule.pending,
        "outcome_expected_at": schedule.outcome_expected_at,
        "asked_at": schedule.asked_at,
    }


def asked_row(schedule: Schedule) -> dict[str, Any]:
    return {"post_id": schedule.post_id, "account_id": schedule.account_id, "asked_at": schedule.asked_at}


def repeated_row(schedule: Schedule, now: datetime) -> dict[str, Any]:
    sweeps = schedule.sweeps + 1
    return {
        "post_id": schedule.post_id,
        "account_id": schedule.account_id,
        "sweeps": sweeps,
        "outcome_expected_at": now + patience(sweeps),
    }


def dispatched_row(schedule: Schedule, now: datetime) -> dict[str, Any]:
    """An outcome is expected once it is due."""
    return {
        "post_id": schedule.post_id,
        "account_id": schedule.account_id,
        "revision": schedule.revision,
        "outcome_expected_at": max(schedule.publish_at, now) + patience(schedule.sweeps),
    }


def patience(sweeps: int) -> timedelta:
    """How much longer an outcome is waited for: each sweep doubles it, up to about an hour."""
    return timedelta(minutes=2 ** min(sweeps, 6) - 1)
