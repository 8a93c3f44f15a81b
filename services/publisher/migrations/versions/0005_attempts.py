"""Attempts with their evidence; withdrawals on the publication's own row; reservations by bucket.

What was being sent, or had an unknown outcome, becomes an attempt in doubt. A retry on a network that takes a repeated
request for one may follow a lost reply: it is in doubt too, and repeated as it was.
"""

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0005"
down_revision = "0004"

SLOTTED = sa.text("slot_at IS NOT NULL")

IN_DOUBT = """
INSERT INTO attempts (post_id, account_id, number, revision, evidence, start_at, latest_at, lease_until)
SELECT post_id, account_id, attempts, revision, 'unknown', updated_at, updated_at, coalesce(lease_until, updated_at)
FROM publications WHERE attempts > 0 AND (state IN ('sending', 'unknown')
OR (state = 'retrying' AND platform IN ('webhook', 'bluesky', 'mastodon', 'discord')))
"""
TRIED = """
UPDATE publications SET
tries = attempts,
tries_before = CASE WHEN attempts_allowed > 3 THEN attempts_allowed - 3 ELSE 0 END,
due_at = CASE WHEN attempts_allowed > 3 THEN not_before ELSE publish_at END
"""
"""Each time that a person asked for a post again it was allowed three more attempts, and was due then."""
STOPPED = """
UPDATE publications SET
withdrawn = (SELECT t.revision FROM tombstones AS t
             WHERE t.post_id = publications.post_id AND t.account_id = publications.account_id),
withdrawn_because = (SELECT t.reason FROM tombstones AS t
                     WHERE t.post_id = publications.post_id AND t.account_id = publications.account_id)
WHERE EXISTS (SELECT 1 FROM tombstones AS t
              WHERE t.post_id = publications.post_id AND t.account_id = publications.account_id)
"""
NEVER_SEEN = """
INSERT INTO publications (post_id, account_id, revision, state, tries, tries_before, waits, publish_at, due_at,
not_before, request, correlation_id, withdrawn, withdrawn_because, updated_at)
SELECT t.post_id, t.account_id, t.revision, 'skipped', 0, 0, 0, t.created_at, t.created_at,
t.created_at, '', '', t.revision, t.reason, t.created_at FROM tombstones AS t
WHERE NOT EXISTS (SELECT 1 FROM publications AS p WHERE p.post_id = t.post_id AND p.account_id = t.account_id)
"""


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("post_id", sa.String(length=200), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.String(length=20), nullable=False),
        sa.Column("start_at", InstantColumn(), nullable=False),
        sa.Column("latest_at", InstantColumn(), nullable=False),
        sa.Column("lease_until", InstantColumn(), nullable=False),
        sa.PrimaryKeyConstraint("post_id", "account_id", "number"),
    )
    op.create_index("ix_attempts_lease_until", "attempts", ["lease_until"])
    op.execute(IN_DOUBT)
    _change_publications()
    op.execute(STOPPED)
    op.execute(NEVER_SEEN)
    op.drop_table("tombstones")
    op.rename_table("marks", "watermarks")
    op.drop_table("reservations")
    op.create_table(
        "reservations",
        sa.Column("bucket", sa.String(length=200), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("bucket"),
    )


def _change_publications() -> None:
    op.drop_index("publications_slots", table_name="publications")
    op.add_column("publications", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("publications", sa.Column("tries_before", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("publications", sa.Column("waits", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("publications", sa.Column("due_at", InstantColumn(), nullable=True))
    op.add_column("publications", sa.Column("error", sa.Text(), nullable=True))
    op.add_column("publications", sa.Column("withdrawn", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("publications", sa.Column("withdrawn_because", sa.String(length=20), nullable=True))
    op.execute(TRIED)
    op.execute("UPDATE publications SET state = 'retrying', claim_token = NULL WHERE state IN ('claimed', 'sending')")
    with op.batch_alter_table("publications") as batch:
        batch.alter_column("due_at", existing_type=InstantColumn(), nullable=False)
        for name in ("attempts", "attempts_allowed", "slot_at", "lease_until"):
            batch.drop_column(name)
