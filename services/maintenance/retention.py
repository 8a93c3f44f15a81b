"""What maintenance deletes once it is old."""

from datetime import timedelta

from services.maintenance.tables import days, decisions, failures, job_history, notifications, outcomes, reports
from shared.database.purging import Rule

_WAIT_FOR_NOBODY = "state NOT IN ('unknown', 'held')"
_ADDED_UP = "occurred_at < (SELECT max(ended_at) FROM days)"

_IS_NOT_THE_LAST = """EXISTS (
    SELECT 1 FROM reports AS later WHERE later.service = reports.service AND later.reported_at > reports.reported_at
)"""

RULES = (
    Rule(outcomes, outcomes.c.occurred_at, _ADDED_UP, longer=timedelta(days=3)),
    Rule(decisions, decisions.c.since, _WAIT_FOR_NOBODY),
    Rule(failures, failures.c.failed_at),
    Rule(job_history, job_history.c.started_at),
    Rule(reports, reports.c.reported_at, _IS_NOT_THE_LAST),
    Rule(notifications, notifications.c.tried_at),
    Rule(days, days.c.ended_at, longer=timedelta(days=365)),
)
"""Outcomes stay until their day has been added up, and while late ones may still change it; figures for a year; posts
that wait for a person for ever, and so does the last report of each service: one that is silent is silent still."""
