"""Schedules, known accounts, inbox and outbox."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("platform", sa.String(length=100), nullable=False),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.Column("changed_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "inbox",
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("received_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index(op.f("ix_inbox_received_at"), "inbox", ["received_at"], unique=False)
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
        "schedules",
        sa.Column("post_id", sa.String(length=200), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("publish_at", InstantColumn(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("late_policy", sa.Text(), nullable=False),
        sa.Column("callback_url", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("correlation_id", sa.String(length=200), nullable=False),
        sa.Column("claimed_until", InstantColumn(), nullable=True),
        sa.Column("outcome_expected_at", InstantColumn(), nullable=False),
        sa.Column("sweeps", sa.Integer(), nullable=False),
        sa.Column("updated_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("post_id", "account_id"),
    )
    op.create_index(
        "schedules_due",
        "schedules",
        ["publish_at"],
        unique=False,
        postgresql_where=sa.text("state = 'scheduled'"),
        sqlite_where=sa.text("state = 'scheduled'"),
    )
    op.create_index(
        "schedules_unanswered",
        "schedules",
        ["outcome_expected_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('dispatched', 'retrying')"),
        sqlite_where=sa.text("state IN ('dispatched', 'retrying')"),
    )


def downgrade() -> None:
    op.drop_index(
        "schedules_unanswered",
        table_name="schedules",
        postgresql_where=sa.text("state IN ('dispatched', 'retrying')"),
        sqlite_where=sa.text("state IN ('dispatched', 'retrying')"),
    )
    op.drop_index(
        "schedules_due",
        table_name="schedules",
        postgresql_where=sa.text("state = 'scheduled'"),
        sqlite_where=sa.text("state = 'scheduled'"),
    )
    op.drop_table("schedules")
    op.drop_index(op.f("ix_outbox_claimed_until"), table_name="outbox")
    op.drop_table("outbox")
    op.drop_index(op.f("ix_inbox_received_at"), table_name="inbox")
    op.drop_table("inbox")
    op.drop_table("accounts")
