"""Posts that have come to their end, found by their age."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

FINAL = sa.text("state IN ('published', 'failed', 'skipped', 'cancelled')")


def upgrade() -> None:
    op.create_index("schedules_done", "schedules", ["state", "updated_at"], postgresql_where=FINAL, sqlite_where=FINAL)


def downgrade() -> None:
    op.drop_index("schedules_done", table_name="schedules")
