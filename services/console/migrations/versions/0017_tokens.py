"""Tokens with names and scopes, and the sessions and links that were made with them."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "tokens",
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("created_at", InstantColumn(), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("expires_at", InstantColumn(), nullable=True),
        sa.Column("last_used_at", InstantColumn(), nullable=True),
        sa.PrimaryKeyConstraint("token_id"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_index(op.f("ix_tokens_expires_at"), "tokens", ["expires_at"], unique=False)
    for table in ("sessions", "sign_in_links"):
        op.add_column(table, sa.Column("token_id", sa.String(length=32), nullable=True))
        op.create_index(op.f(f"ix_{table}_token_id"), table, ["token_id"], unique=False)


def downgrade() -> None:
    for table in ("sessions", "sign_in_links"):
        op.drop_index(op.f(f"ix_{table}_token_id"), table)
        op.drop_column(table, "token_id")
    op.drop_table("tokens")
