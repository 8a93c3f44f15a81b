"""Account expiries, outcomes and days, job runs, reports, alerts, notifications, and the outbox."""

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
        sa.Column("token_expires_at", InstantColumn(), nullable=True),
        sa.Column("refresh_expires_at", InstantColumn(), nullable=True),
        sa.Column("can_refresh", sa.Boolean(), nullable=True),
        sa.Column("needs_reconnect", sa.Boolean(), nullable=False),
        sa.Column("refresh_asked_at", InstantColumn(), nullable=True),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "alerts",
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=400), nullable=False),
        sa.Column("severity", sa.String(length=20), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.Column("told_at", InstantColumn(), nullable=True),
        sa.Column("gone_at", InstantColumn(), nullable=True),
        sa.PrimaryKeyConstraint("code", "subject"),
    )
    op.create_table(
        "days",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("ended_at", InstantColumn(), nullable=False),
        sa.Column("aggregated_at", InstantColumn(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.create_index(op.f("ix_days_ended_at"), "days", ["ended_at"], unique=False)
    op.create_table(
        "job_history",
        sa.Column("run_id", sa.String(length=400), nullable=False),
        sa.Column("job", sa.String(length=100), nullable=False),
        sa.Column("service", sa.String(length=100), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("started_at", InstantColumn(), nullable=False),
        sa.Column("ended_at", InstantColumn(), nullable=True),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.Column("period_seconds", sa.Float(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index(op.f("ix_job_history_started_at"), "job_history", ["started_at"], unique=False)
    op.create_index("job_history_by_job", "job_history", ["job", "started_at"], unique=False)
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
        "notifications",
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("target", sa.String(length=40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("is_sent", sa.Boolean(), nullable=False),
        sa.Column("tried_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "target"),
    )
    op.create_index(op.f("ix_notifications_tried_at"), "notifications", ["tried_at"], unique=False)
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
        "outcomes",
        sa.Column("post_id", sa.String(length=200), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(length=100), nullable=True),
        sa.Column("occurred_at", InstantColumn(), nullable=False),
        sa.Column("lateness_ms", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("post_id", "account_id", "revision", "kind", "attempts"),
    )
    op.create_index(op.f("ix_outcomes_occurred_at"), "outcomes", ["occurred_at"], unique=False)
    op.create_table(
        "reports",
        sa.Column("service", sa.String(length=100), nullable=False),
        sa.Column("instance", sa.String(length=200), nullable=False),
        sa.Column("reported_at", InstantColumn(), nullable=False),
        sa.Column("outbox_age_seconds", sa.Float(), nullable=True),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("service", "instance"),
    )
    op.create_index(op.f("ix_reports_reported_at"), "reports", ["reported_at"], unique=False)
    op.create_table(
        "turns",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("taken_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    op.drop_table("turns")
    op.drop_index(op.f("ix_reports_reported_at"), table_name="reports")
    op.drop_table("reports")
    op.drop_index(op.f("ix_outcomes_occurred_at"), table_name="outcomes")
    op.drop_table("outcomes")
    op.drop_index(op.f("ix_outbox_claimed_until"), table_name="outbox")
    op.drop_table("outbox")
    op.drop_index(op.f("ix_notifications_tried_at"), table_name="notifications")
    op.drop_table("notifications")
    op.drop_index(
        "job_runs_running",
        table_name="job_runs",
        postgresql_where=sa.text("state = 'running'"),
        sqlite_where=sa.text("state = 'running'"),
    )
    op.drop_table("job_runs")
    op.drop_index("job_history_by_job", table_name="job_history")
    op.drop_index(op.f("ix_job_history_started_at"), table_name="job_history")
    op.drop_table("job_history")
    op.drop_index(op.f("ix_days_ended_at"), table_name="days")
    op.drop_table("days")
    op.drop_table("alerts")
    op.drop_table("accounts")
