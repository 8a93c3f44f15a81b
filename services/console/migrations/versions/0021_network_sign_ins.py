"""Sign-ins at networks that wait for a person."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "network_sign_ins",
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("session_hash", sa.String(length=64), nullable=False),
        sa.Column("encrypted", sa.Text(), nullable=False),
        sa.Column("expires_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash"),
    )
    op.create_index(op.f("ix_network_sign_ins_expires_at"), "network_sign_ins", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_table("network_sign_ins")
