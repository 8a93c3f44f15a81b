"""What the processes of the services tell of themselves."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "service_reports",
        sa.Column("service", sa.String(length=100), nullable=False),
        sa.Column("instance", sa.String(length=200), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.Column("outbox_age_seconds", sa.Float(), nullable=True),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("service", "instance"),
    )
    op.create_index(op.f("ix_service_reports_seen_at"), "service_reports", ["seen_at"], unique=False)


def downgrade() -> None:
    op.drop_table("service_reports")
