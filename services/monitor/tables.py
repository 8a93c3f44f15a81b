"""The monitor's tables."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text, text

from shared.database.engine import InstantColumn
from shared.jobs import job_runs_table
from shared.messaging.inbox import inbox_table
from shared.messaging.outbox_rows import outbox_table

metadata = MetaData()

_NOT_YET_IN_A_DIGEST = text("day IS NULL")

workspaces = Table(
    "workspaces",
    metadata,
    Column("workspace_id", String(200), primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("subreddits", Text, nullable=False),
    Column("keywords", Text, nullable=False),
    Column("targets", Text, nullable=False),
    Column("target_ids", Text, nullable=False),
    Column("tells_at_once", Boolean, nullable=False),
    Column("digest", Text),
    Column("digest_since", InstantColumn),
    Column("last_digest_day", String(10)),
    Column("configured_at", InstantColumn),
    Column("updated_at", InstantColumn, nullable=False),
)
"""`targets` is encrypted; `target_ids` are digests of the same, in the same order."""

workspace_requests = Table(
    "workspace_requests",
    metadata,
    Column("workspace_id", String(200), primary_key=True),
    Column("asked_at", InstantColumn),
    Column("decided_at", InstantColumn, nullable=False, index=True),
)
"""When the latest request for each workspace was made, if it said so; those of removed ones are kept for a while."""

bookmarks = Table(
    "bookmarks",
    metadata,
    Column("subreddit", String(100), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("anchor", String(50)),
    Column("checked_at", InstantColumn),
    Column("trouble", Text),
    Column("floor", BigInteger, nullable=False, server_default="0"),
    Column("seen", Text, nullable=False, server_default="[]"),
)
"""How far each subreddit has been read; `seen` is JSON."""

mentions = Table(
    "mentions",
    metadata,
    Column("workspace_id", String(200), primary_key=True),
    Column("item_id", String(50), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("subreddit", String(100), nullable=False),
    Column("title", Text, nullable=False),
    Column("excerpt", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("phrases", Text, nullable=False),
    Column("created_at", InstantColumn, nullable=False),
    Column("found_at", InstantColumn, nullable=False, index=True),
    Column("day", String(10)),
    Index("mentions_by_day", "workspace_id", "day"),
    Index(
        "mentions_not_digested",
        "workspace_id",
        postgresql_where=_NOT_YET_IN_A_DIGEST,
        sqlite_where=_NOT_YET_IN_A_DIGEST,
    ),
)
"""`day` is that of the digest it is in."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", String(64), primary_key=True),
    Column("workspace_id", String(200), nullable=False),
    Column("target_id", String(64), nullable=False),
    Column("item_id", String(50)),
    Column("day", String(10)),
    Column("part", Integer, nullable=False, server_default="1"),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lease_until", InstantColumn),
    Column("error", Text),
    Column("updated_at", InstantColumn, nullable=False, index=True),
)
"""Each is one message to one target: of a mention, or of one part of a day's digest."""

inbox = inbox_table(metadata)
outbox = outbox_table(metadata)
job_runs = job_runs_table(metadata)
