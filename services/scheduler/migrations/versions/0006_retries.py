"""How often a person has asked for a post again."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("schedules", sa.Column("retries", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("schedules", "retries")
