"""The console's tables of what processes tell of themselves and of their jobs, and of what maintenance warns of."""

from sqlalchemy import Boolean, Column, Float, Index, String, Table, Text, text

from services.console.tables.core import metadata
from shared.database.engine import InstantColumn

service_reports = Table(
    "service_reports",
    metadata,
    Column("service", String(100), primary_key=True),
    Column("instance", String(200), primary_key=True),
    Column("problems", Text, nullable=False),
    Column("outbox_age_seconds", Float),
    Column("queues", Text, nullable=False),
    Column("seen_at", InstantColumn, nullable=False, index=True),
)
"""The latest report of each process."""

job_runs = Table(
    "job_runs",
    metadata,
    Column("run_id", String(300), primary_key=True),
    Column("job", String(100), nullable=False),
    Column("service", String(100)),
    Column("state", String(20), nullable=False),
    Column("tick_at", InstantColumn, nullable=False),
    Column("manual", Boolean),
    Column("duration_ms", Float),
    Column("error", Text),
    Column("seen_at", InstantColumn, nullable=False, index=True),
    Index("job_runs_of_job", "job", "tick_at", "run_id"),
)
"""What became of each tick: `state` is running, succeeded, failed, released or skipped."""

_NOT_RESOLVED = text("resolved_at IS NULL")
MOST_OF_A_SUBJECT = 400

alerts = Table(
    "alerts",
    metadata,
    Column("code", String(100), primary_key=True),
    Column("subject", String(MOST_OF_A_SUBJECT), primary_key=True),
    Column("since", InstantColumn, primary_key=True),
    Column("severity", String(20), nullable=False),
    Column("message", Text, nullable=False),
    Column("told_at", InstantColumn),
    Column("resolved_at", InstantColumn),
    Column("seen_at", InstantColumn, nullable=False, index=True),
    Index("alerts_by_time", "since", "code", "subject"),
    Index("alerts_not_resolved", "since", postgresql_where=_NOT_RESOLVED, sqlite_where=_NOT_RESOLVED),
)
"""Alerts, each time that they were raised; `told_at` is when one was last, null where only its end is known."""
