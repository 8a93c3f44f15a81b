"""Maintenance's tables."""

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

from shared.database.engine import InstantColumn
from shared.jobs import job_runs_table
from shared.messaging.outbox_rows import outbox_table

metadata = MetaData()

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", String(200), primary_key=True),
    Column("platform", String(100), nullable=False),
    Column("connected", Boolean, nullable=False),
    Column("changed_at", InstantColumn, nullable=False),
    Column("token_expires_at", InstantColumn),
    Column("refresh_expires_at", InstantColumn),
    Column("can_refresh", Boolean),
    Column("needs_reconnect", Boolean, nullable=False),
    Column("refresh_asked_at", InstantColumn),
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("post_id", String(200), primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("attempts", Integer, primary_key=True),
    Column("platform", String(100)),
    Column("occurred_at", InstantColumn, nullable=False, index=True),
    Column("lateness_ms", Float),
)
"""What became of posts, a row for each outcome: the same one told again is the same row."""

failures = Table(
    "failures",
    metadata,
    Column("account_id", String(200), primary_key=True),
    Column("post_id", String(200), primary_key=True),
    Column("failed_at", InstantColumn, nullable=False, index=True),
    Column("code", String(200), nullable=False),
    Column("message", Text, nullable=False),
)
"""Posts that failed for good after the last that their account published."""

networks = Table(
    "networks",
    metadata,
    Column("platform", String(100), primary_key=True),
    Column("published_at", InstantColumn, nullable=False),
)
"""When something was last published on a network."""

decisions = Table(
    "decisions",
    metadata,
    Column("post_id", String(200), primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("since", InstantColumn, nullable=False, index=True),
)
"""Posts that wait for a person (`state` is unknown or held), and those that no longer do: old news may come again."""

days = Table(
    "days",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("ended_at", InstantColumn, nullable=False, index=True),
    Column("aggregated_at", InstantColumn, nullable=False),
    Column("figures", Text, nullable=False),
)
"""Days whose figures have been told; `figures` are those, as JSON."""

job_history = Table(
    "job_history",
    metadata,
    Column("run_id", String(400), primary_key=True),
    Column("job", String(100), nullable=False),
    Column("service", String(100)),
    Column("state", String(20), nullable=False),
    Column("started_at", InstantColumn, nullable=False, index=True),
    Column("ended_at", InstantColumn),
    Column("duration_ms", Float),
    Column("period_seconds", Float),
    Column("error", Text),
    Index("job_history_by_job", "job", "started_at"),
)

reports = Table(
    "reports",
    metadata,
    Column("service", String(100), primary_key=True),
    Column("instance", String(200), primary_key=True),
    Column("reported_at", InstantColumn, nullable=False, index=True),
    Column("outbox_age_seconds", Float),
    Column("problems", Text, nullable=False),
    Column("queues", Text, nullable=False),
    Column("up_seconds", Float),
    Column("overdue", Text),
)

alerts = Table(
    "alerts",
    metadata,
    Column("code", String(100), primary_key=True),
    Column("subject", String(400), primary_key=True),
    Column("severity", String(20), nullable=False),
    Column("message", Text, nullable=False),
    Column("grade", Integer, nullable=False),
    Column("seen_at", InstantColumn, nullable=False),
    Column("told_at", InstantColumn),
    Column("gone_at", InstantColumn),
)

turns = Table(
    "turns",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("taken_at", InstantColumn, nullable=False),
)
"""When something was last done that only one replica is to do at a time."""

notifications = Table(
    "notifications",
    metadata,
    Column("message_id", String(200), primary_key=True),
    Column("target", String(40), primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("is_sent", Boolean, nullable=False),
    Column("tried_at", InstantColumn, nullable=False, index=True),
)
"""Which alerts went to which target, by the target's fingerprint."""

job_runs = job_runs_table(metadata)
outbox = outbox_table(metadata)
