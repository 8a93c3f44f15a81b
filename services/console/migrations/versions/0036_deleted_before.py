"""How far back posts have been deleted, so that a rebuild does not bring them back."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.add_column("post_counts", sa.Column("deleted_before", InstantColumn(), nullable=True))


def downgrade() -> None:
    op.drop_column("post_counts", "deleted_before")
