"""Why a run waits, or was stopped by an error.

Of a move that was under way before `move_to` was kept nobody knows which posts it has moved: it would move them twice.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

UNCERTAIN = (
    "an older release began this move and was ended before it had noted which posts it had moved: "
    "look at the times of those without an outcome, and move the rest again"
)


def upgrade() -> None:
    for table in ("bulk_runs", "import_runs"):
        op.add_column(table, sa.Column("problem", sa.Text(), nullable=True))
    stop = sa.text(
        "UPDATE bulk_runs SET state = 'stopped', ended_at = coalesce(claimed_until, as_of), problem = :problem "
        "WHERE act = 'move' AND state = 'running' AND EXISTS (SELECT 1 FROM bulk_items AS i "
        "WHERE i.run_id = bulk_runs.run_id AND i.outcome IS NULL AND i.move_to IS NULL)"
    )
    op.get_bind().execute(stop, {"problem": UNCERTAIN})


def downgrade() -> None:
    for table in ("bulk_runs", "import_runs"):
        op.drop_column(table, "problem")
