"""Imports as runs, which go on when a tab is closed or the console starts anew."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "import_runs",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("overwrite", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("asked_by", sa.String(length=100), nullable=False),
        sa.Column("as_of", InstantColumn(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("scheduled", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("claimed_until", InstantColumn(), nullable=True),
        sa.Column("ended_at", InstantColumn(), nullable=True),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index("ix_import_runs_as_of", "import_runs", ["as_of"])
    op.create_index("import_runs_by_state", "import_runs", ["state", "as_of"])
    op.create_table(
        "import_batches",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("lines", sa.Text(), nullable=True),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "position"),
    )
    op.create_index("ix_import_batches_seen_at", "import_batches", ["seen_at"])
    op.create_table(
        "import_lines",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("post_id", sa.Text(), nullable=True),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "line", "number"),
    )
    op.create_index("ix_import_lines_seen_at", "import_lines", ["seen_at"])


def downgrade() -> None:
    for name in ("import_lines", "import_batches", "import_runs"):
        op.drop_table(name)
