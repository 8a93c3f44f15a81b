"""What a service says is overdue."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("reports", sa.Column("overdue", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("reports", "overdue")
