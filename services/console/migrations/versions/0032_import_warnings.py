"""What an import was warned of, and the codes of what was rejected."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.add_column("import_runs", sa.Column("warnings", sa.Text(), nullable=True))
    op.add_column("import_lines", sa.Column("code", sa.String(length=40), nullable=True))


def downgrade() -> None:
    op.drop_column("import_lines", "code")
    op.drop_column("import_runs", "warnings")
