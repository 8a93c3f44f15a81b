"""Posts that wait for a person."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("post_id", sa.String(length=200), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("since", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("post_id", "account_id"),
    )


def downgrade() -> None:
    op.drop_table("decisions")
