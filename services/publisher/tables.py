"""The publisher's tables."""

from sqlalchemy import Boolean, Column, Index, Integer, MetaData, String, Table, Text, text

from shared.database.engine import InstantColumn
from shared.messaging.inbox import inbox_table
from shared.messaging.outbox_rows import outbox_table

metadata = MetaData()

FINAL = "state IN ('published', 'failed', 'skipped')"
"""Publications for which nothing is left to do."""

publications = Table(
    "publications",
    metadata,
    Column("post_id", String(200), primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("tries_before", Integer, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("waits", Integer, nullable=False),
    Column("publish_at", InstantColumn, nullable=False),
    Column("due_at", InstantColumn, nullable=False),
    Column("not_before", InstantColumn, nullable=False),
    Column("claim_token", String(40)),
    Column("platform", String(100)),
    Column("error", Text),
    Column("outcome", Text),
    Column("request", Text, nullable=False),
    Column("correlation_id", String(200), nullable=False),
    Column("withdrawn", Integer, nullable=False),
    Column("withdrawn_because", String(20)),
    Column("updated_at", InstantColumn, nullable=False),
    Index("publications_done", "state", "updated_at", postgresql_where=text(FINAL), sqlite_where=text(FINAL)),
)

attempts = Table(
    "attempts",
    metadata,
    Column("post_id", String(200), primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("evidence", String(20), nullable=False),
    Column("start_at", InstantColumn, nullable=False),
    Column("latest_at", InstantColumn, nullable=False),
    Column("lease_until", InstantColumn, nullable=False, index=True),
    Column("place", String(64)),
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("reached_at", InstantColumn, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", String(200), primary_key=True),
    Column("platform", String(100), nullable=False),
    Column("settings", Text, nullable=False),
    Column("credentials", Text, nullable=False),
    Column("renewed", Text),
    Column("token_expires_at", InstantColumn),
    Column("refresh_expires_at", InstantColumn),
    Column("renewing_until", InstantColumn),
    Column("needs_reconnect", Boolean, nullable=False),
    Column("limits", Text, nullable=False),
    Column("app", String(200)),
    Column("closed_until", InstantColumn),
    Column("connected", Boolean, nullable=False),
    Column("changed_at", InstantColumn, nullable=False),
    Column("asked_at", InstantColumn),
    Column("is_unreadable", Boolean, nullable=False),
)

reservations = Table(
    "reservations",
    metadata,
    Column("bucket", String(200), primary_key=True),
    Column("kept", Text, nullable=False),
)

inbox = inbox_table(metadata)
outbox = outbox_table(metadata)
