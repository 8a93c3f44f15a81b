"""Posts, drafts, rejections, accounts and their settings."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("changed_at", InstantColumn(), nullable=True),
        sa.Column("is_connected", sa.Boolean(), nullable=True),
        sa.Column("platform", sa.String(length=100), nullable=True),
        sa.Column("request_id", sa.String(length=200), nullable=True),
        sa.Column("refreshed_at", InstantColumn(), nullable=True),
        sa.Column("token_expires_at", InstantColumn(), nullable=True),
        sa.Column("needs_reconnect", sa.Boolean(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("updated_at", InstantColumn(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "connections",
        sa.Column("request_id", sa.String(length=200), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("platform", sa.String(length=100), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("limits", sa.Text(), nullable=True),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", "account_id"),
    )
    op.create_table(
        "drafts",
        sa.Column("request_id", sa.String(length=200), nullable=False),
        sa.Column("post_id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", "post_id", "position"),
    )
    op.create_index(op.f("ix_drafts_seen_at"), "drafts", ["seen_at"], unique=False)
    op.create_table(
        "posts",
        sa.Column("post_id", sa.String(length=200), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("next_attempt_at", InstantColumn(), nullable=True),
        sa.Column("platform", sa.String(length=100), nullable=True),
        sa.Column("platform_post_id", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("published_at", InstantColumn(), nullable=True),
        sa.Column("lateness_ms", sa.Float(), nullable=True),
        sa.Column("planned_revision", sa.Integer(), nullable=True),
        sa.Column("plan_is_accepted", sa.Boolean(), nullable=True),
        sa.Column("publish_at", InstantColumn(), nullable=True),
        sa.Column("request_id", sa.String(length=200), nullable=True),
        sa.Column("warning", sa.Text(), nullable=True),
        sa.Column("content_revision", sa.Integer(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("due_at", InstantColumn(), nullable=False),
        sa.Column("updated_at", InstantColumn(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("post_id", "account_id"),
    )
    op.create_index("posts_by_account", "posts", ["account_id", "due_at"], unique=False)
    op.create_index("posts_by_due", "posts", ["due_at", "post_id", "account_id"], unique=False)
    op.create_index("posts_by_published", "posts", ["published_at"], unique=False)
    op.create_index("posts_by_state", "posts", ["state", "due_at"], unique=False)
    op.create_table(
        "rejections",
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=True),
        sa.Column("code", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("seen_at", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "position"),
    )
    op.create_index(op.f("ix_rejections_seen_at"), "rejections", ["seen_at"], unique=False)
    op.create_index("rejections_by_post", "rejections", ["post_id"], unique=False)


def downgrade() -> None:
    op.drop_index("rejections_by_post", table_name="rejections")
    op.drop_index(op.f("ix_rejections_seen_at"), table_name="rejections")
    op.drop_table("rejections")
    op.drop_index("posts_by_state", table_name="posts")
    op.drop_index("posts_by_published", table_name="posts")
    op.drop_index("posts_by_due", table_name="posts")
    op.drop_index("posts_by_account", table_name="posts")
    op.drop_table("posts")
    op.drop_index(op.f("ix_drafts_seen_at"), table_name="drafts")
    op.drop_table("drafts")
    op.drop_table("connections")
    op.drop_table("accounts")
