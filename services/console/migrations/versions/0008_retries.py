"""How often a person has asked for a post again."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("posts", sa.Column("retries", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("posts", "retries")
