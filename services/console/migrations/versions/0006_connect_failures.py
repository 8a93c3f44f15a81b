"""Why an account was not connected when somebody last asked for it in vain."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("connect_failed_at", InstantColumn(), nullable=True))
    op.add_column("accounts", sa.Column("connect_failed_on", sa.String(length=100), nullable=True))
    op.add_column("accounts", sa.Column("connect_error", sa.Text(), nullable=True))


def downgrade() -> None:
    for column in ("connect_error", "connect_failed_on", "connect_failed_at"):
        op.drop_column("accounts", column)
