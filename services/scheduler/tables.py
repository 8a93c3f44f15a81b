"""The scheduler's tables."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text, text

from shared.database.engine import InstantColumn
from shared.messaging.inbox import inbox_table
from shared.messaging.outbox_rows import outbox_table

metadata = MetaData()

AWAITING_DISPATCH = "state = 'scheduled'"
FINAL = "state IN ('published', 'failed', 'skipped', 'cancelled')"
"""Schedules that have come to their end."""
AWAITING_OUTCOME = "state IN ('dispatched', 'retrying')"
AWAITING_WITHDRAWAL = "pending > 0"
"""Schedules whose revision the publisher was asked to take back; they are neither dispatched nor swept meanwhile."""

schedules = Table(
    "schedules",
    metadata,
    Column("post_id", String(200), primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("publish_at", InstantColumn, nullable=False),
    Column("content", Text, nullable=False),
    Column("media", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("late_policy", Text, nullable=False),
    Column("retry", Text, nullable=False),
    Column("callback_url", Text),
    Column("fingerprint", String(64), nullable=False),
    Column("correlation_id", String(200), nullable=False),
    Column("claimed_until", InstantColumn),
    Column("outcome_expected_at", InstantColumn, nullable=False),
    Column("sweeps", Integer, nullable=False),
    Column("updated_at", InstantColumn, nullable=False),
    Column("text_key", BigInteger),
    Column("minute_key", BigInteger),
    Column("in_doubt", Boolean, nullable=False),
    Column("pending", Integer, nullable=False),
    Column("asked_at", InstantColumn),
    Index(
        "schedules_due", "publish_at", postgresql_where=text(AWAITING_DISPATCH), sqlite_where=text(AWAITING_DISPATCH)
    ),
    Index(
        "schedules_unanswered",
        "outcome_expected_at",
        postgresql_where=text(AWAITING_OUTCOME),
        sqlite_where=text(AWAITING_OUTCOME),
    ),
    Index(
        "schedules_withdrawn",
        "outcome_expected_at",
        postgresql_where=text(AWAITING_WITHDRAWAL),
        sqlite_where=text(AWAITING_WITHDRAWAL),
    ),
    Index("schedules_done", "state", "updated_at", postgresql_where=text(FINAL), sqlite_where=text(FINAL)),
    Index("schedules_of_a_text", "text_key", "minute_key"),
    Index("schedules_of_a_minute", "minute_key"),
)

pending_requests = Table(
    "pending_requests",
    metadata,
    Column("post_id", String(200), primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("body", Text),
    Column("correlation_id", String(200), nullable=False),
    Column("asked_at", InstantColumn, nullable=False),
    Column("request_id", String(200)),
)
"""Edits and cancellations that wait for the publisher, in the order in which they came."""

unmet_cancellations = Table(
    "unmet_cancellations",
    metadata,
    Column("post_id", String(200), primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("asked_at", InstantColumn, nullable=False, index=True),
)
"""Cancellations that found nothing, or may not have found everything: a request that was put off comes after them."""

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", String(200), primary_key=True),
    Column("platform", String(100), nullable=False),
    Column("connected", Boolean, nullable=False),
    Column("changed_at", InstantColumn, nullable=False),
    Column("rules", Text),
)

timers = Table(
    "timers",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("cron", String(200), nullable=False),
    Column("zone", String(100), nullable=False),
    Column("counted_to", InstantColumn, nullable=False),
    Column("last_tick_at", InstantColumn),
)
"""`counted_to` is the instant up to which ticks have been dealt with."""

timer_ticks = Table(
    "timer_ticks",
    metadata,
    Column("timer", String(100), primary_key=True),
    Column("tick_at", InstantColumn, primary_key=True),
    Column("fired_at", InstantColumn, nullable=False),
    Column("manual", Boolean, nullable=False),
    Column("missed", Integer, nullable=False),
)
"""What has fired: the key lets each tick fire once."""

inbox = inbox_table(metadata)
outbox = outbox_table(metadata)
