"""What the scheduler deletes once it is old: posts that have come to their end, and ids of messages it has taken."""

from services.scheduler.tables import FINAL, inbox, schedules
from shared.retention import Rule, inbox_rule

_BY_AGE = schedules.c.updated_at

RULES = (
    Rule(schedules, _BY_AGE, f"{FINAL} AND state = 'published'", keeps="succeeded"),
    Rule(schedules, _BY_AGE, f"{FINAL} AND state = 'failed'", keeps="failed"),
    Rule(schedules, _BY_AGE, f"{FINAL} AND state = 'skipped'"),
    Rule(schedules, _BY_AGE, f"{FINAL} AND state = 'cancelled'"),
    inbox_rule(inbox),
)
"""Scheduled, dispatched, retrying, held and unknown posts stay, however old they are."""
