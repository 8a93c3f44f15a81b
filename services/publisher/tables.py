"""The publisher's tables."""

from sqlalchemy import Boolean, Column, Index, Integer, MetaData, String, Table, Text, text

from shared.db import InstantColumn
from shared.messaging.inbox import inbox_table
from shared.messaging.outbox import outbox_table

metadata = MetaData()

FINAL = "state IN ('published', 'failed', 'skipped')"
"""Publications for which nothing is left to do."""
SLOTTED = "slot_at IS NOT NULL"
"""Publications on limited accounts that are on their way."""

publications = Table(
    "publications",
    metadata,
    Column("post_id", String(200), primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("attempts_allowed", Integer, nullable=False),
    Column("publish_at", InstantColumn, nullable=False),
    Column("not_before", InstantColumn, nullable=False),
    Column("slot_at", InstantColumn),
    Column("claim_token", String(40)),
    Column("lease_until", InstantColumn),
    Column("platform", String(100)),
    Column("outcome", Text),
    Column("request", Text, nullable=False),
    Column("correlation_id", String(200), nullable=False),
    Column("updated_at", InstantColumn, nullable=False),
    Index("publications_done", "state", "updated_at", postgresql_where=text(FINAL), sqlite_where=text(FINAL)),
    Index("publications_slots", "account_id", "slot_at", postgresql_where=text(SLOTTED), sqlite_where=text(SLOTTED)),
)

tombstones = Table(
    "tombstones",
    metadata,
    Column("post_id", String(200), primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("reason", String(20), nullable=False),
    Column("created_at", InstantColumn, nullable=False, index=True),
)

marks = Table(
    "marks",
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
)

reservations = Table(
    "reservations",
    metadata,
    Column("account_id", String(200), primary_key=True),
    Column("reserved", Text, nullable=False),
)

inbox = inbox_table(metadata)
outbox = outbox_table(metadata)
