"""What the monitor has decided on workspaces."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "workspace_decisions",
        sa.Column("workspace_id", sa.String(length=200), nullable=False),
        sa.Column("decided_at", InstantColumn(), nullable=False),
        sa.Column("rejection", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id"),
    )


def downgrade() -> None:
    op.drop_table("workspace_decisions")
