"""Notifications in parts: a digest may be longer than a target takes in one message."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("part", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    op.drop_column("deliveries", "part")
