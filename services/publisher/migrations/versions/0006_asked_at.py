"""When the request was made that an account is as it is by, and whether our keys fit its secrets."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("asked_at", InstantColumn(), nullable=True))
    op.add_column("accounts", sa.Column("is_unreadable", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("accounts", "is_unreadable")
    op.drop_column("accounts", "asked_at")
