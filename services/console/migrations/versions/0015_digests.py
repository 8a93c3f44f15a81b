"""The digests that each workspace has got."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Remember of each day's digest how many mentions it had."""
    op.create_table(
        "digests",
        sa.Column("workspace_id", sa.String(200), primary_key=True),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("mentions", sa.Integer, nullable=False),
        sa.Column("seen_at", InstantColumn, nullable=False),
    )
    op.create_index("ix_digests_seen_at", "digests", ["seen_at"])


def downgrade() -> None:
    """Forget them."""
    op.drop_table("digests")
