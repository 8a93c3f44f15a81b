"""Timers, and which of their ticks have fired."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "timers",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("cron", sa.String(length=200), nullable=False),
        sa.Column("zone", sa.String(length=100), nullable=False),
        sa.Column("counted_to", InstantColumn(), nullable=False),
        sa.Column("last_tick_at", InstantColumn(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "timer_ticks",
        sa.Column("timer", sa.String(length=100), nullable=False),
        sa.Column("tick_at", InstantColumn(), nullable=False),
        sa.Column("fired_at", InstantColumn(), nullable=False),
        sa.Column("manual", sa.Boolean(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("timer", "tick_at"),
    )


def downgrade() -> None:
    op.drop_table("timer_ticks")
    op.drop_table("timers")
