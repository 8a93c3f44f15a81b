"""Whether a workspace tells anybody, apart from the rest: a request may leave it as it is."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_table(
        "workspace_targets",
        sa.Column("workspace_id", sa.String(length=200), nullable=False),
        sa.Column("has_targets", sa.Boolean(), nullable=False),
        sa.Column("configured_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id"),
    )
    op.execute(
        "INSERT INTO workspace_targets (workspace_id, has_targets, configured_at) "
        "SELECT workspace_id, has_targets, configured_at FROM workspaces"
    )
    op.drop_column("workspaces", "has_targets")


def downgrade() -> None:
    op.add_column("workspaces", sa.Column("has_targets", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE workspaces SET has_targets = true WHERE workspace_id IN "
        "(SELECT workspace_id FROM workspace_targets WHERE has_targets)"
    )
    op.drop_table("workspace_targets")
