"""The settings of an account stay known when it is disconnected."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("connected_at", InstantColumn()))
    op.execute("UPDATE accounts SET connected_at = changed_at WHERE is_connected")
    op.execute("UPDATE accounts SET request_id = NULL WHERE connected_at IS NULL")


def downgrade() -> None:
    op.drop_column("accounts", "connected_at")
