"""Acts on many posts, with what became of each."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "bulk_runs",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("moving", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("asked_by", sa.String(length=100), nullable=False),
        sa.Column("as_of", InstantColumn(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("claimed_until", InstantColumn(), nullable=True),
        sa.Column("ended_at", InstantColumn(), nullable=True),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index("bulk_runs_by_state", "bulk_runs", ["state", "as_of"], unique=False)
    op.create_index(op.f("ix_bulk_runs_as_of"), "bulk_runs", ["as_of"], unique=False)
    op.create_table(
        "bulk_items",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.String(length=200), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "position"),
    )
    op.create_index("bulk_items_by_outcome", "bulk_items", ["run_id", "outcome", "position"], unique=False)
    op.create_index(op.f("ix_bulk_items_seen_at"), "bulk_items", ["seen_at"], unique=False)


def downgrade() -> None:
    op.drop_table("bulk_items")
    op.drop_table("bulk_runs")
