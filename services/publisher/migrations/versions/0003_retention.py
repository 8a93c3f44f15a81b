"""Publications and tombstones found by their age, and the mark before which they may be missing."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0003"
down_revision = "0002"

FINAL = sa.text("state IN ('published', 'failed', 'skipped')")


def upgrade() -> None:
    op.create_index(
        "publications_done", "publications", ["state", "updated_at"], postgresql_where=FINAL, sqlite_where=FINAL
    )
    op.create_index("ix_tombstones_created_at", "tombstones", ["created_at"])
    op.create_table(
        "marks",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("reached_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    op.drop_table("marks")
    op.drop_index("ix_tombstones_created_at", table_name="tombstones")
    op.drop_index("publications_done", table_name="publications")
