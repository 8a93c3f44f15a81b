"""What the scheduler deletes once it is old: posts that have come to their end, and ids of messages it has taken."""

from services.scheduler.tables import AWAITING_WITHDRAWAL, FINAL, inbox, schedules, unmet_cancellations
from shared.database.purging import Rule, inbox_rule

_BY_AGE = schedules.c.updated_at
_OVER = f"{FINAL} AND NOT {AWAITING_WITHDRAWAL}"

RULES = (
    Rule(schedules, _BY_AGE, f"{_OVER} AND state = 'published'", keeps="succeeded"),
    Rule(schedules, _BY_AGE, f"{_OVER} AND state = 'failed'", keeps="failed"),
    Rule(schedules, _BY_AGE, f"{_OVER} AND state = 'skipped'"),
    Rule(schedules, _BY_AGE, f"{_OVER} AND state = 'cancelled'"),
    Rule(unmet_cancellations, unmet_cancellations.c.asked_at),
    inbox_rule(inbox),
)
"""Scheduled, dispatched, retrying, held and unknown posts stay, and what requests wait for, however old they are."""
