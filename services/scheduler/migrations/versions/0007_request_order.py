"""When each schedule was asked for, which message asked for what waits, and cancellations that found nothing."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("schedules", sa.Column("asked_at", InstantColumn(), nullable=True))
    op.add_column("pending_requests", sa.Column("request_id", sa.String(length=200), nullable=True))
    op.create_table(
        "unmet_cancellations",
        sa.Column("post_id", sa.String(length=200), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("asked_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("post_id", "account_id"),
    )
    op.create_index("ix_unmet_cancellations_asked_at", "unmet_cancellations", ["asked_at"])


def downgrade() -> None:
    op.drop_table("unmet_cancellations")
    op.drop_column("pending_requests", "request_id")
    op.drop_column("schedules", "asked_at")
