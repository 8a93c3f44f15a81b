"""Publications found by their rate-limit slots."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

SLOTTED = sa.text("slot_at IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "publications_slots",
        "publications",
        ["account_id", "slot_at"],
        postgresql_where=SLOTTED,
        sqlite_where=SLOTTED,
    )


def downgrade() -> None:
    op.drop_index("publications_slots", table_name="publications")
