"""The console's tables."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from shared.database.engine import InstantColumn

metadata = MetaData()

FINAL = "state IN ('published', 'failed', 'skipped', 'cancelled')"
"""Posts that have come to their end."""

posts = Table(
    "posts",
    metadata,
    Column("post_id", String(200), primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("in_doubt", Boolean, nullable=False),
    Column("error", Text),
    Column("reason", Text),
    Column("next_attempt_at", InstantColumn),
    Column("platform", String(100)),
    Column("platform_post_id", Text),
    Column("url", Text),
    Column("published_at", InstantColumn),
    Column("lateness_ms", Float),
    Column("planned_revision", Integer),
    Column("plan_is_accepted", Boolean),
    Column("publish_at", InstantColumn),
    Column("request_id", String(200)),
    Column("warning", Text),
    Column("content_revision", Integer),
    Column("content", Text),
    Column("due_at", InstantColumn, nullable=False),
    Column("updated_at", InstantColumn, nullable=False),
    Column("version", Integer, nullable=False),
    Index("posts_by_due", "due_at", "post_id", "account_id"),
    Index("posts_by_state", "state", "due_at", "post_id", "account_id"),
    Index("posts_by_account", "account_id", "due_at", "post_id"),
    Index("posts_by_account_and_state", "account_id", "state", "due_at", "post_id"),
    Index("posts_by_published", "published_at"),
    Index("posts_done", "state", "updated_at", postgresql_where=text(FINAL), sqlite_where=text(FINAL)),
)
"""`version` counts changes: two replicas that merge into the same row notice each other by it."""

drafts = Table(
    "drafts",
    metadata,
    Column("request_id", String(200), primary_key=True),
    Column("post_id", String(200), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("body", Text, nullable=False),
    Column("seen_at", InstantColumn, nullable=False, index=True),
)
"""What was asked for, before a revision is known; found again by the request that a plan was accepted for."""

post_words = Table(
    "post_words",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("post_id", String(200), nullable=False),
    Column("request_id", String(200), nullable=False),
    Column("words", Text, nullable=False),
    Column("seen_at", InstantColumn, nullable=False, index=True),
    UniqueConstraint("post_id", "request_id"),
    sqlite_autoincrement=True,
)
"""By which words a post is found, as a request asked for it; the migration makes their index."""

rejections = Table(
    "rejections",
    metadata,
    Column("message_id", String(200), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("post_id", Text, nullable=False),
    Column("account_id", String(200)),
    Column("code", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("seen_at", InstantColumn, nullable=False, index=True),
    Index("rejections_by_post", "post_id"),
)

happenings = Table(
    "happenings",
    metadata,
    Column("message_id", String(200), primary_key=True),
    Column("post_id", String(200), primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("type", String(100), nullable=False),
    Column("told", Text, nullable=False),
    Column("seen_at", InstantColumn, nullable=False, index=True),
    Index("happenings_of_post", "post_id", "account_id", "seen_at"),
)
"""Every event of a post, in the order of arrival; never the post's text."""

journal = Table(
    "journal",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("message_id", String(200), nullable=False, unique=True),
    Column("type", String(100), nullable=False),
    Column("correlation_id", String(200), nullable=False),
    Column("data", Text, nullable=False),
    Column("seen_at", InstantColumn, nullable=False, index=True),
    sqlite_autoincrement=True,
)
"""Every event, numbered in the order in which it became visible here; without what is sealed."""

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", String(200), primary_key=True),
    Column("changed_at", InstantColumn),
    Column("is_connected", Boolean),
    Column("platform", String(100)),
    Column("connected_at", InstantColumn),
    Column("request_id", String(200)),
    Column("refreshed_at", InstantColumn),
    Column("token_expires_at", InstantColumn),
    Column("needs_reconnect", Boolean),
    Column("error", Text),
    Column("connect_failed_at", InstantColumn),
    Column("connect_failed_on", String(100)),
    Column("connect_error", Text),
    Column("updated_at", InstantColumn, nullable=False),
    Column("version", Integer, nullable=False),
)
"""`request_id` is of the request that connected it at `connected_at`, whose settings are in `connections`."""

account_rules = Table(
    "account_rules",
    metadata,
    Column("account_id", String(200), primary_key=True),
    Column("rules", Text, nullable=False),
    Column("changed_at", InstantColumn, nullable=False),
)
"""What the network of each account demands of a post."""

connections = Table(
    "connections",
    metadata,
    Column("request_id", String(200), primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("platform", String(100), nullable=False),
    Column("settings", Text, nullable=False),
    Column("limits", Text),
    Column("seen_at", InstantColumn, nullable=False, index=True),
)
"""Settings that somebody asked to connect an account with; never its credentials."""

timers = Table(
    "timers",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("configured_at", InstantColumn, nullable=False),
    Column("cron", String(200)),
    Column("zone", String(100)),
    Column("next_at", InstantColumn),
    Column("last_tick_at", InstantColumn),
)
"""Timers as the scheduler told of them last; without `cron` there is no such timer any more."""

firings = Table(
    "firings",
    metadata,
    Column("timer", String(100), primary_key=True),
    Column("fired_at", InstantColumn, nullable=False),
    Column("tick_at", InstantColumn, nullable=False),
    Column("manual", Boolean, nullable=False),
    Column("missed", Integer, nullable=False),
    Column("next_at", InstantColumn),
)
"""When each timer fired last."""

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("started_at", InstantColumn, nullable=False, index=True),
    Column("status", Integer),
    Column("body", Text),
)
"""Requests that came with an Idempotency-Key: the digest of each, and what was answered once that is final."""


dead_letters = Table(
    "dead_letters",
    metadata,
    Column("service", String(100), primary_key=True),
    Column("queue", String(100), primary_key=True),
    Column("message_id", String(200), primary_key=True),
    Column("parked_at", InstantColumn, nullable=False),
    Column("message_type", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("replays", Integer, nullable=False),
    Column("post_id", String(200)),
    Column("account_id", String(200)),
    Column("seen_at", InstantColumn, nullable=False, index=True),
    Index("dead_letters_by_time", "parked_at", "message_id", "service", "queue"),
    Index("dead_letters_by_post", "post_id"),
)
"""Messages that were parked, as their services told of them; without a queue where nobody knows it."""

settled_letters = Table(
    "settled_letters",
    metadata,
    Column("service", String(100), primary_key=True),
    Column("queue", String(100), primary_key=True),
    Column("message_id", String(200), primary_key=True),
    Column("parked_at", InstantColumn, nullable=False),
    Column("seen_at", InstantColumn, nullable=False, index=True),
)
"""Letters that rest no more, up to when they had been parked: what is parked later under the same id rests again."""
