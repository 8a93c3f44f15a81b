"""Requests that wait for the publisher, what may have landed, and how often a post is tried."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0005"
down_revision = "0004"

WITHDRAWN = sa.text("pending > 0")


def upgrade() -> None:
    op.create_table(
        "pending_requests",
        sa.Column("post_id", sa.String(length=200), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("correlation_id", sa.String(length=200), nullable=False),
        sa.Column("asked_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("post_id", "account_id", "position"),
    )
    op.add_column("schedules", sa.Column("retry", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("schedules", sa.Column("in_doubt", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("schedules", sa.Column("pending", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "schedules_withdrawn",
        "schedules",
        ["outcome_expected_at"],
        postgresql_where=WITHDRAWN,
        sqlite_where=WITHDRAWN,
    )


def downgrade() -> None:
    op.drop_index("schedules_withdrawn", table_name="schedules")
    op.drop_column("schedules", "pending")
    op.drop_column("schedules", "in_doubt")
    op.drop_column("schedules", "retry")
    op.drop_table("pending_requests")
