"""Who did what."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "acts",
        sa.Column("act_id", sa.String(length=200), nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("via", sa.String(length=20), nullable=False),
        sa.Column("address", sa.String(length=100), nullable=False),
        sa.Column("act", sa.String(length=100), nullable=False),
        sa.Column("objects", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=100), nullable=True),
        sa.Column("request_id", sa.String(length=200), nullable=False),
        sa.Column("acted_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("act_id"),
    )
    op.create_index("acts_by_time", "acts", ["acted_at", "act_id"], unique=False)
    op.create_index("acts_by_who", "acts", ["who", "acted_at", "act_id"], unique=False)
    op.create_index("acts_by_act", "acts", ["act", "acted_at", "act_id"], unique=False)
    op.create_table(
        "act_objects",
        sa.Column("object_id", sa.String(length=200), nullable=False),
        sa.Column("acted_at", InstantColumn(), nullable=False),
        sa.Column("act_id", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("object_id", "acted_at", "act_id"),
    )
    op.create_index(op.f("ix_act_objects_acted_at"), "act_objects", ["acted_at"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.String(length=200), nullable=False),
        sa.Column("exchange", sa.String(length=100), nullable=False),
        sa.Column("routing_key", sa.String(length=200), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("created_at", InstantColumn(), nullable=False),
        sa.Column("claimed_until", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index(op.f("ix_outbox_claimed_until"), "outbox", ["claimed_until"], unique=False)


def downgrade() -> None:
    for table in ("outbox", "act_objects", "acts"):
        op.drop_table(table)
