"""Timers as the scheduler goes by them, and when each fired last."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "timers",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("configured_at", InstantColumn(), nullable=False),
        sa.Column("cron", sa.String(length=200), nullable=True),
        sa.Column("zone", sa.String(length=100), nullable=True),
        sa.Column("next_at", InstantColumn(), nullable=True),
        sa.Column("last_tick_at", InstantColumn(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "firings",
        sa.Column("timer", sa.String(length=100), nullable=False),
        sa.Column("fired_at", InstantColumn(), nullable=False),
        sa.Column("tick_at", InstantColumn(), nullable=False),
        sa.Column("manual", sa.Boolean(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("next_at", InstantColumn(), nullable=True),
        sa.PrimaryKeyConstraint("timer"),
    )


def downgrade() -> None:
    op.drop_table("firings")
    op.drop_table("timers")
