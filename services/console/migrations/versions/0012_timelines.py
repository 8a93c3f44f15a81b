"""What happened to posts, event by event."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "happenings",
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("post_id", sa.String(length=200), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "post_id", "account_id"),
    )
    op.create_index("happenings_of_post", "happenings", ["post_id", "account_id", "seen_at"], unique=False)
    op.create_index(op.f("ix_happenings_seen_at"), "happenings", ["seen_at"], unique=False)


def downgrade() -> None:
    op.drop_table("happenings")
