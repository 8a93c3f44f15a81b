"""Counters of posts, which every change keeps up from here on; counted once over what there is."""

import math
from collections import Counter
from collections.abc import Hashable, Iterator

import sqlalchemy as sa
from alembic import op

from shared.database.engine import InstantColumn

revision = "0016"
down_revision = "0015"

MOST_ROWS = 1000
FIRST_MS = 0.1
GROWTH = 1.1


def upgrade() -> None:
    post_counts = op.create_table(
        "post_counts",
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("state"),
    )
    hourly_counts = op.create_table(
        "hourly_counts",
        sa.Column("hour", InstantColumn(), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "account_id", "state"),
    )
    hourly_lateness = op.create_table(
        "hourly_lateness",
        sa.Column("hour", InstantColumn(), nullable=False),
        sa.Column("account_id", sa.String(length=200), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "account_id", "step"),
    )
    lateness_by_minute = op.create_table(
        "lateness_by_minute",
        sa.Column("minute", InstantColumn(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "step"),
    )
    _count(op.get_bind(), (post_counts, hourly_counts, hourly_lateness, lateness_by_minute))


def downgrade() -> None:
    for name in ("lateness_by_minute", "hourly_lateness", "hourly_counts", "post_counts"):
        op.drop_table(name)


def _count(connection: sa.Connection, counters: tuple[sa.Table, ...]) -> None:
    counted: Counter[tuple[str, tuple[Hashable, ...]]] = Counter()
    for row in _every_post(connection):
        counted.update(_counters_of(row))
    for table in counters:
        names = [column.name for column in table.primary_key]
        of_table = [(key, posts) for (of, key), posts in counted.items() if of == table.name]
        for start in range(0, len(of_table), MOST_ROWS):
            part = of_table[start : start + MOST_ROWS]
            connection.execute(
                sa.insert(table), [dict(zip(names, key, strict=True)) | {"posts": posts} for key, posts in part]
            )


def _counters_of(post: sa.RowMapping) -> Iterator[tuple[str, tuple[Hashable, ...]]]:
    """Those there were at this revision."""
    hour, account_id = post["due_at"].replace(minute=0, second=0, microsecond=0), post["account_id"]
    yield "post_counts", (str(post["state"]),)
    yield "hourly_counts", (hour, account_id, str(post["state"]))
    if post["lateness_ms"] is not None:
        step = _step_of(post["lateness_ms"])
        yield "hourly_lateness", (hour, account_id, step)
        if post["published_at"] is not None:
            yield "lateness_by_minute", (post["published_at"].replace(second=0, microsecond=0), step)


def _step_of(lateness_ms: float) -> int:
    """The first step that is not below this lateness."""
    return math.ceil(round(math.log(lateness_ms / FIRST_MS, GROWTH), 9)) if lateness_ms > FIRST_MS else 0


def _every_post(connection: sa.Connection) -> Iterator[sa.RowMapping]:
    """Part by part: a cursor that is left open would keep later migrations from changing the table."""
    posts = sa.table(
        "posts",
        sa.column("post_id", sa.String()),
        sa.column("account_id", sa.String()),
        sa.column("state"),
        sa.column("due_at", InstantColumn()),
        sa.column("published_at", InstantColumn()),
        sa.column("lateness_ms"),
    )
    place = sa.tuple_(posts.c.post_id, posts.c.account_id)
    after = ("", "")
    in_order = sa.select(posts).order_by(posts.c.post_id, posts.c.account_id).limit(MOST_ROWS)
    while rows := connection.execute(in_order.where(place > sa.tuple_(*after))).mappings().all():
        yield from rows
        after = (rows[-1]["post_id"], rows[-1]["account_id"])
