"""The statements that find what is due by the clock: what is to be dispatched, dispatched again, or asked for again."""

from typing import Any

from sqlalchemy import Executable, Select, Update, bindparam, select, text, tuple_, update

from services.scheduler.tables import AWAITING_DISPATCH, AWAITING_OUTCOME, AWAITING_WITHDRAWAL, schedules
from shared.database.engine import InstantColumn
from shared.events.progress import State


def claim_statement() -> Executable:
    """Claim schedules that are due; no two dispatchers get the same."""
    due = _due().order_by(schedules.c.publish_at).limit(bindparam("most")).with_for_update(skip_locked=True)
    return _update_those(due).values(claimed_until=bindparam("until", type_=InstantColumn)).returning(schedules)


def any_due_statement() -> Executable:
    """Whether schedules are due that nobody has claimed."""
    return _due().limit(1)


def _due() -> Select[tuple[str, str]]:
    claimed = schedules.c.claimed_until
    is_over = claimed <= bindparam("now", type_=InstantColumn)
    is_of_another_time = claimed > bindparam("beyond", type_=InstantColumn)  # its clock was ahead, or ours is back
    return (
        select(schedules.c.post_id, schedules.c.account_id)
        .where(text(f"{AWAITING_DISPATCH} AND NOT {AWAITING_WITHDRAWAL}"))
        .where(schedules.c.publish_at <= bindparam("due_before", type_=InstantColumn))
        .where(claimed.is_(None) | is_over | is_of_another_time)
    )


def sweep_statement() -> Executable:
    """Make schedules due again whose outcome did not arrive."""
    silent = (
        select(schedules.c.post_id, schedules.c.account_id)
        .where(text(f"{AWAITING_OUTCOME} AND NOT {AWAITING_WITHDRAWAL}"))
        .where(schedules.c.outcome_expected_at <= bindparam("expected_before", type_=InstantColumn))
        .limit(1000)
        .with_for_update(skip_locked=True)
    )
    return (
        _update_those(silent)
        .values(
            state=State.SCHEDULED.value,
            sweeps=schedules.c.sweeps + 1,
            claimed_until=None,
            updated_at=bindparam("now", type_=InstantColumn),
        )
        .returning(schedules.c.post_id)
    )


def unanswered_statement() -> Executable:
    """Schedules whose withdrawal was not answered in time."""
    return (
        select(schedules)
        .where(text(AWAITING_WITHDRAWAL))
        .where(schedules.c.outcome_expected_at <= bindparam("expected_before", type_=InstantColumn))
        .limit(1000)
        .with_for_update(skip_locked=True)
    )


def _update_those(keys: Select[Any]) -> Update:
    return update(schedules).where(tuple_(schedules.c.post_id, schedules.c.account_id).in_(keys))
