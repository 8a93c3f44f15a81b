"""Every event, numbered, for those who listen and were away."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "journal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("correlation_id", sa.String(length=200), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("message_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_journal_seen_at"), "journal", ["seen_at"], unique=False)


def downgrade() -> None:
    op.drop_table("journal")
