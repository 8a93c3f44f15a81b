"""Requests: when the latest one for each workspace was made, so that an older one that comes late is known as such."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "workspace_requests",
        sa.Column("workspace_id", sa.String(200), primary_key=True),
        sa.Column("asked_at", InstantColumn),
        sa.Column("decided_at", InstantColumn, nullable=False, index=True),
    )
    op.execute("INSERT INTO workspace_requests SELECT workspace_id, configured_at, updated_at FROM workspaces")


def downgrade() -> None:
    op.drop_table("workspace_requests")
