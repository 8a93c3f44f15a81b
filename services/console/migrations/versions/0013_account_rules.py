"""What networks demand of posts, by account."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "account_rules",
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("changed_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )


def downgrade() -> None:
    op.drop_table("account_rules")
