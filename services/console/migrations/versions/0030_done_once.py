"""What keeps a part of a run from being done twice: where a post is moved to, and that a batch has been sent."""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.add_column("bulk_items", sa.Column("move_to", InstantColumn(), nullable=True))
    op.add_column("import_batches", sa.Column("sent_at", InstantColumn(), nullable=True))


def downgrade() -> None:
    op.drop_column("import_batches", "sent_at")
    op.drop_column("bulk_items", "move_to")
