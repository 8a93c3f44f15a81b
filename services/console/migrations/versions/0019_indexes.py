"""Indexes in the order of the lists of posts and mentions, by state, account and workspace."""

from alembic import op

revision = "0019"
down_revision = "0018"

_BEFORE = {"posts_by_state": ["state", "due_at"], "posts_by_account": ["account_id", "due_at"]}
_AFTER = {
    "posts_by_state": ["state", "due_at", "post_id", "account_id"],
    "posts_by_account": ["account_id", "due_at", "post_id"],
}


def upgrade() -> None:
    _replace(_AFTER)
    op.create_index("posts_by_account_and_state", "posts", ["account_id", "state", "due_at", "post_id"])
    op.create_index("mentions_of_workspace", "mentions", ["workspace_id", "created_at", "item_id"])


def downgrade() -> None:
    op.drop_index("mentions_of_workspace", "mentions")
    op.drop_index("posts_by_account_and_state", "posts")
    _replace(_BEFORE)


def _replace(indexes: dict[str, list[str]]) -> None:
    for name, columns in indexes.items():
        op.drop_index(name, "posts")
        op.create_index(name, "posts", columns)
