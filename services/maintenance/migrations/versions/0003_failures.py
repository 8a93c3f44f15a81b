"""Posts that failed for good since something was last published."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "failures",
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("post_id", sa.String(length=200), nullable=False),
        sa.Column("failed_at", InstantColumn(), nullable=False),
        sa.Column("code", sa.String(length=200), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "post_id"),
    )
    op.create_index(op.f("ix_failures_failed_at"), "failures", ["failed_at"], unique=False)
    op.create_table(
        "networks",
        sa.Column("platform", sa.String(length=100), nullable=False),
        sa.Column("published_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("platform"),
    )


def downgrade() -> None:
    op.drop_table("networks")
    op.drop_index(op.f("ix_failures_failed_at"), table_name="failures")
    op.drop_table("failures")
