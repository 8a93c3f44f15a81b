"""What accounts' networks demand, and what finds a post's neighbours; earlier posts are nobody's neighbours."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("rules", sa.Text(), nullable=True))
    op.add_column("schedules", sa.Column("text_key", sa.BigInteger(), nullable=True))
    op.add_column("schedules", sa.Column("minute_key", sa.BigInteger(), nullable=True))
    op.create_index("schedules_of_a_text", "schedules", ["text_key", "minute_key"])
    op.create_index("schedules_of_a_minute", "schedules", ["minute_key"])


def downgrade() -> None:
    op.drop_index("schedules_of_a_minute", table_name="schedules")
    op.drop_index("schedules_of_a_text", table_name="schedules")
    op.drop_column("schedules", "minute_key")
    op.drop_column("schedules", "text_key")
    op.drop_column("accounts", "rules")
