"""What services have told of their state, and queues that were found gone."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.create_table(
        "tellings",
        sa.Column("telling_id", sa.String(length=200), primary_key=True),
        sa.Column("rebuild_id", sa.String(length=200), nullable=False),
        sa.Column("service", sa.String(length=100), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("seen_at", InstantColumn(), nullable=False),
    )
    op.create_index("ix_tellings_rebuild_id", "tellings", ["rebuild_id"])
    op.create_index("ix_tellings_seen_at", "tellings", ["seen_at"])
    op.create_table(
        "told_parts",
        sa.Column("telling_id", sa.String(length=200), primary_key=True),
        sa.Column("part", sa.Integer(), primary_key=True),
        sa.Column("seen_at", InstantColumn(), nullable=False),
    )
    op.create_index("ix_told_parts_seen_at", "told_parts", ["seen_at"])
    op.create_table(
        "own_queues",
        sa.Column("name", sa.String(length=200), primary_key=True),
        sa.Column("missed_at", InstantColumn(), nullable=True),
    )


def downgrade() -> None:
    for table in ("own_queues", "told_parts", "tellings"):
        op.drop_table(table)
