"""Rebuilds that were asked for."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.create_table(
        "rebuilds",
        sa.Column("rebuild_id", sa.String(length=200), primary_key=True),
        sa.Column("seen_at", InstantColumn(), nullable=False),
    )
    op.create_index("ix_rebuilds_seen_at", "rebuilds", ["seen_at"])
    op.execute("INSERT INTO rebuilds (rebuild_id, seen_at) SELECT rebuild_id, max(seen_at) FROM tellings GROUP BY 1")


def downgrade() -> None:
    op.drop_table("rebuilds")
