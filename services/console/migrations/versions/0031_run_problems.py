"""Why a run waits, or was stopped by an error."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    for table in ("bulk_runs", "import_runs"):
        op.add_column(table, sa.Column("problem", sa.Text(), nullable=True))


def downgrade() -> None:
    for table in ("bulk_runs", "import_runs"):
        op.drop_column(table, "problem")
