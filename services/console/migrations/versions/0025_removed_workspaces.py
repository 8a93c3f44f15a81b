"""Workspaces that were removed."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("workspace_decisions", sa.Column("removed_at", InstantColumn()))


def downgrade() -> None:
    op.drop_column("workspace_decisions", "removed_at")
