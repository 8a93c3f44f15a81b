"""Dead letters that rest in the services, and those that do so no more."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("service", sa.String(length=100), nullable=False),
        sa.Column("queue", sa.String(length=100), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("parked_at", InstantColumn(), nullable=False),
        sa.Column("message_type", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("replays", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.String(length=200), nullable=True),
        sa.Column("account_id", sa.String(length=200), nullable=True),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("service", "queue", "message_id"),
    )
    op.create_index("dead_letters_by_time", "dead_letters", ["parked_at", "message_id", "service", "queue"])
    op.create_index("dead_letters_by_post", "dead_letters", ["post_id"])
    op.create_index("ix_dead_letters_seen_at", "dead_letters", ["seen_at"])
    op.create_table(
        "settled_letters",
        sa.Column("service", sa.String(length=100), nullable=False),
        sa.Column("queue", sa.String(length=100), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("parked_at", InstantColumn(), nullable=False),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("service", "queue", "message_id"),
    )
    op.create_index("ix_settled_letters_seen_at", "settled_letters", ["seen_at"])


def downgrade() -> None:
    op.drop_table("settled_letters")
    op.drop_table("dead_letters")
