"""Tokens that are renewed, apps that share limits, and accounts that a platform has closed for a while."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("renewed", sa.Text(), nullable=True))
    op.add_column("accounts", sa.Column("token_expires_at", InstantColumn(), nullable=True))
    op.add_column("accounts", sa.Column("refresh_expires_at", InstantColumn(), nullable=True))
    op.add_column("accounts", sa.Column("renewing_until", InstantColumn(), nullable=True))
    op.add_column("accounts", sa.Column("needs_reconnect", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("accounts", sa.Column("app", sa.String(length=200), nullable=True))
    op.add_column("accounts", sa.Column("closed_until", InstantColumn(), nullable=True))
