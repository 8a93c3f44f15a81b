"""Bookmarks: what has been seen of a subreddit, so that items which surface late are known as new."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

BOOKMARKS = sa.table(
    "bookmarks", sa.column("subreddit", sa.String), sa.column("kind", sa.String), sa.column("anchor", sa.String),
    sa.column("floor", sa.BigInteger),
)  # fmt: skip


def upgrade() -> None:
    op.rename_table("cursors", "bookmarks")
    op.add_column("bookmarks", sa.Column("floor", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("bookmarks", sa.Column("seen", sa.Text(), nullable=False, server_default="[]"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(BOOKMARKS).where(BOOKMARKS.c.anchor.is_not(None))).all():
        is_it = (BOOKMARKS.c.subreddit == row.subreddit) & (BOOKMARKS.c.kind == row.kind)
        floor = int(row.anchor.partition("_")[2], 36)
        connection.execute(BOOKMARKS.update().where(is_it).values(floor=floor))


def downgrade() -> None:
    op.drop_column("bookmarks", "seen")
    op.drop_column("bookmarks", "floor")
    op.rename_table("bookmarks", "cursors")
