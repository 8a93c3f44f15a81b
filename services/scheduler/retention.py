"""What the scheduler deletes once it is old: posts that have come to their end, and ids of messages it has taken."""

from datetime import timedelta

from services.scheduler.tables import AWAITING_WITHDRAWAL, FINAL, inbox, schedules, unmet_cancellations
from shared.database.purging import Rule, inbox_rule

AFTER_THE_PUBLISHER = timedelta(days=3)
"""A post's id that is used again counts its revisions on while the publisher may know the old ones: begun anew, they
would be skipped as cancelled or superseded. The publisher deletes a day and an hour later than it is asked to."""

_BY_AGE = schedules.c.updated_at
_OVER = f"{FINAL} AND NOT {AWAITING_WITHDRAWAL}"

RULES = (
    Rule(schedules, _BY_AGE, f"{_OVER} AND state = 'published'", keeps="succeeded", longer=AFTER_THE_PUBLISHER),
    Rule(schedules, _BY_AGE, f"{_OVER} AND state = 'failed'", keeps="failed", longer=AFTER_THE_PUBLISHER),
    Rule(schedules, _BY_AGE, f"{_OVER} AND state = 'skipped'", longer=AFTER_THE_PUBLISHER),
    Rule(schedules, _BY_AGE, f"{_OVER} AND state = 'cancelled'", longer=AFTER_THE_PUBLISHER),
    Rule(unmet_cancellations, unmet_cancellations.c.asked_at),
    inbox_rule(inbox),
)
"""Scheduled, dispatched, retrying, held and unknown posts stay, and what requests wait for, however old they are."""
