"""What became of each tick of a timer, as the services told of it."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.create_table(
        "job_runs",
        sa.Column("run_id", sa.String(length=300), nullable=False),
        sa.Column("job", sa.String(length=100), nullable=False),
        sa.Column("service", sa.String(length=100), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("tick_at", InstantColumn(), nullable=False),
        sa.Column("manual", sa.Boolean(), nullable=True),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_index(op.f("ix_job_runs_seen_at"), "job_runs", ["seen_at"], unique=False)
    op.create_index("job_runs_of_job", "job_runs", ["job", "tick_at", "run_id"], unique=False)


def downgrade() -> None:
    op.drop_table("job_runs")
