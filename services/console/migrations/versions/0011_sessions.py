"""Browsers that are signed in, and links that sign in once."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("signed_in_at", InstantColumn(), nullable=False),
        sa.Column("expires_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("secret_hash"),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_table(
        "sign_in_links",
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("secret_hash"),
    )
    op.create_index(op.f("ix_sign_in_links_expires_at"), "sign_in_links", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_table("sign_in_links")
    op.drop_table("sessions")
