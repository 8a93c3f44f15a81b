"""Posts that have come to their end and connections, found by their age."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

FINAL = sa.text("state IN ('published', 'failed', 'skipped', 'cancelled')")


def upgrade() -> None:
    op.create_index("posts_done", "posts", ["state", "updated_at"], postgresql_where=FINAL, sqlite_where=FINAL)
    op.create_index("ix_connections_seen_at", "connections", ["seen_at"])


def downgrade() -> None:
    op.drop_index("ix_connections_seen_at", table_name="connections")
    op.drop_index("posts_done", table_name="posts")
