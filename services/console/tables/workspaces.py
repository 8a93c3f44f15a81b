"""The console's tables of what is watched for whom, and what was found."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from services.console.tables.core import metadata
from shared.database.engine import InstantColumn

workspaces = Table(
    "workspaces",
    metadata,
    Column("workspace_id", String(200), primary_key=True),
    Column("monitoring_enabled", Boolean, nullable=False),
    Column("subreddits", Text, nullable=False),
    Column("keywords", Text, nullable=False),
    Column("notify", String(20), nullable=False),
    Column("digest", Text),
    Column("configured_at", InstantColumn, nullable=False),
)
"""Workspaces as they were asked for last; never their targets."""

workspace_targets = Table(
    "workspace_targets",
    metadata,
    Column("workspace_id", String(200), primary_key=True),
    Column("has_targets", Boolean, nullable=False),
    Column("configured_at", InstantColumn, nullable=False),
)
"""Whether anybody is told, by the last request that said so: others leave it as it is."""

workspace_decisions = Table(
    "workspace_decisions",
    metadata,
    Column("workspace_id", String(200), primary_key=True),
    Column("decided_at", InstantColumn, nullable=False),
    Column("rejection", Text),
    Column("removed_at", InstantColumn),
)
"""What the monitor decided last on each workspace: `rejection` is why it cannot be watched as it was asked for.

What was configured until `removed_at` is no more."""

mentions = Table(
    "mentions",
    metadata,
    Column("workspace_id", String(200), primary_key=True),
    Column("item_id", String(200), primary_key=True),
    Column("subreddit", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("title", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("keywords", Text, nullable=False),
    Column("created_at", InstantColumn, nullable=False),
    Column("seen_at", InstantColumn, nullable=False, index=True),
    Index("mentions_by_time", "created_at", "workspace_id", "item_id"),
    Index("mentions_of_workspace", "workspace_id", "created_at", "item_id"),
)

digests = Table(
    "digests",
    metadata,
    Column("workspace_id", String(200), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("mentions", Integer, nullable=False),
    Column("seen_at", InstantColumn, nullable=False, index=True),
)
"""Digests that were sent, by the local day of their workspace."""
