"""Workspaces, cursors, mentions, deliveries, job runs, inbox and outbox."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "cursors",
        sa.Column("subreddit", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("anchor", sa.String(length=50), nullable=True),
        sa.Column("checked_at", InstantColumn(), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("subreddit", "kind"),
    )
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.String(length=64), nullable=False),
        sa.Column("workspace_id", sa.String(length=200), nullable=False),
        sa.Column("target_id", sa.String(length=64), nullable=False),
        sa.Column("item_id", sa.String(length=50), nullable=True),
        sa.Column("day", sa.String(length=10), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", InstantColumn(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("updated_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("delivery_id"),
    )
    op.create_index(op.f("ix_deliveries_updated_at"), "deliveries", ["updated_at"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("received_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index(op.f("ix_inbox_received_at"), "inbox", ["received_at"], unique=False)
    op.create_table(
        "job_runs",
        sa.Column("job", sa.String(length=100), nullable=False),
        sa.Column("tick_at", InstantColumn(), nullable=False),
        sa.Column("run_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started_at", InstantColumn(), nullable=False),
        sa.Column("lease_until", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("job", "tick_at"),
    )
    op.create_index(
        "job_runs_running",
        "job_runs",
        ["job"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
        sqlite_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "mentions",
        sa.Column("workspace_id", sa.String(length=200), nullable=False),
        sa.Column("item_id", sa.String(length=50), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("subreddit", sa.String(length=100), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("phrases", sa.Text(), nullable=False),
        sa.Column("created_at", InstantColumn(), nullable=False),
        sa.Column("found_at", InstantColumn(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "item_id"),
    )
    op.create_index(op.f("ix_mentions_found_at"), "mentions", ["found_at"], unique=False)
    op.create_index("mentions_by_day", "mentions", ["workspace_id", "day"], unique=False)
    op.create_index(
        "mentions_not_digested",
        "mentions",
        ["workspace_id"],
        unique=False,
        postgresql_where=sa.text("day IS NULL"),
        sqlite_where=sa.text("day IS NULL"),
    )
    op.create_table(
        "outbox",
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.String(length=200), nullable=False),
        sa.Column("exchange", sa.String(length=100), nullable=False),
        sa.Column("routing_key", sa.String(length=200), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("created_at", InstantColumn(), nullable=False),
        sa.Column("claimed_until", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index(op.f("ix_outbox_claimed_until"), "outbox", ["claimed_until"], unique=False)
    op.create_table(
        "workspaces",
        sa.Column("workspace_id", sa.String(length=200), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("subreddits", sa.Text(), nullable=False),
        sa.Column("keywords", sa.Text(), nullable=False),
        sa.Column("targets", sa.Text(), nullable=False),
        sa.Column("target_ids", sa.Text(), nullable=False),
        sa.Column("tells_at_once", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("digest_since", InstantColumn(), nullable=True),
        sa.Column("last_digest_day", sa.String(length=10), nullable=True),
        sa.Column("configured_at", InstantColumn(), nullable=True),
        sa.Column("updated_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id"),
    )


def downgrade() -> None:
    op.drop_table("workspaces")
    op.drop_index(op.f("ix_outbox_claimed_until"), table_name="outbox")
    op.drop_table("outbox")
    op.drop_index(
        "mentions_not_digested",
        table_name="mentions",
        postgresql_where=sa.text("day IS NULL"),
        sqlite_where=sa.text("day IS NULL"),
    )
    op.drop_index("mentions_by_day", table_name="mentions")
    op.drop_index(op.f("ix_mentions_found_at"), table_name="mentions")
    op.drop_table("mentions")
    op.drop_index(
        "job_runs_running",
        table_name="job_runs",
        postgresql_where=sa.text("state = 'running'"),
        sqlite_where=sa.text("state = 'running'"),
    )
    op.drop_table("job_runs")
    op.drop_index(op.f("ix_inbox_received_at"), table_name="inbox")
    op.drop_table("inbox")
    op.drop_index(op.f("ix_deliveries_updated_at"), table_name="deliveries")
    op.drop_table("deliveries")
    op.drop_table("cursors")
