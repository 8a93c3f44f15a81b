"""Alerts: what should not be, from when to when."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=400), nullable=False),
        sa.Column("since", InstantColumn(), nullable=False),
        sa.Column("severity", sa.String(length=20), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("told_at", InstantColumn(), nullable=True),
        sa.Column("resolved_at", InstantColumn(), nullable=True),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("code", "subject", "since"),
    )
    op.create_index("ix_alerts_seen_at", "alerts", ["seen_at"])
    op.create_index("alerts_by_time", "alerts", ["since", "code", "subject"])
    is_open = sa.text("resolved_at IS NULL")
    op.create_index("alerts_not_resolved", "alerts", ["since"], postgresql_where=is_open, sqlite_where=is_open)


def downgrade() -> None:
    op.drop_table("alerts")
