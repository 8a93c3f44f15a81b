"""How many posts an act would move into the past, seen when it is prepared."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.add_column("bulk_runs", sa.Column("in_the_past", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("bulk_runs", "in_the_past")
