"""Posts that no longer wait for a person are purged by age."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_index("ix_decisions_since", "decisions", ["since"])


def downgrade() -> None:
    op.drop_index("ix_decisions_since", "decisions")
