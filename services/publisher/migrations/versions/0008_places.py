"""Where the request of each attempt went; of older attempts that is not known."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("attempts", sa.Column("place", sa.String(64)))


def downgrade() -> None:
    op.drop_column("attempts", "place")
