"""How long a process that reports has been at work."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("reports", sa.Column("up_seconds", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("reports", "up_seconds")
