"""Workspaces as they were asked for last, and the mentions found for them."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "workspaces",
        sa.Column("workspace_id", sa.String(length=200), nullable=False),
        sa.Column("monitoring_enabled", sa.Boolean(), nullable=False),
        sa.Column("subreddits", sa.Text(), nullable=False),
        sa.Column("keywords", sa.Text(), nullable=False),
        sa.Column("notify", sa.String(length=20), nullable=False),
        sa.Column("has_targets", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("configured_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id"),
    )
    op.create_table(
        "mentions",
        sa.Column("workspace_id", sa.String(length=200), nullable=False),
        sa.Column("item_id", sa.String(length=200), nullable=False),
        sa.Column("subreddit", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("keywords", sa.Text(), nullable=False),
        sa.Column("created_at", InstantColumn(), nullable=False),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "item_id"),
    )
    op.create_index("mentions_by_time", "mentions", ["created_at", "workspace_id", "item_id"], unique=False)
    op.create_index(op.f("ix_mentions_seen_at"), "mentions", ["seen_at"], unique=False)


def downgrade() -> None:
    op.drop_table("mentions")
    op.drop_table("workspaces")
