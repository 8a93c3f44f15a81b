"""Counters that every change of a post keeps up, and what they say."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.read_model.lateness import Lateness, step_of, summary
from services.console.read_model.merging import Change, Row
from services.console.tables.counts import (
    ALL_ACCOUNTS,
    daily_counts,
    daily_lateness,
    hourly_counts,
    hourly_lateness,
    lateness_by_minute,
    post_counts,
)
from shared.database import bulk
from shared.database.engine import Database
from shared.events.progress import State

TABLES = (post_counts, hourly_counts, daily_counts, hourly_lateness, daily_lateness, lateness_by_minute)

Counted = tuple[Table, tuple[Hashable, ...]]
"""A counter: its table and the key of its row."""


def counters_of(post: Row) -> Iterator[Counted]:
    """Every counter in which a post counts as one."""
    state = str(post["state"])
    yield post_counts, (state,)
    yield from _by_time(hourly_counts, daily_counts, post, state)
    if post["lateness_ms"] is not None:
        step = step_of(post["lateness_ms"])
        yield from _by_time(hourly_lateness, daily_lateness, post, step)
        if post["published_at"] is not None:
            yield lateness_by_minute, (post["published_at"].replace(second=0, microsecond=0), step)


def _by_time(hourly: Table, daily: Table, post: Row, what: Hashable) -> Iterator[Counted]:
    """By the hour and by the day in which it is due, for its account and for all of them."""
    hour = post["due_at"].replace(minute=0, second=0, microsecond=0)
    for account_id in (post["account_id"], ALL_ACCOUNTS):
        yield hourly, (hour, account_id, what)
        yield daily, (hour.replace(hour=0), account_id, what)


def difference(changes: Iterable[Change]) -> Counter[Counted]:
    """What is to be added to each counter after these changes."""
    added: Counter[Counted] = Counter()
    for old, new in changes:
        if old:
            added.subtract(counters_of(old))
        added.update(counters_of(new))
    return Counter({counted: number for counted, number in added.items() if number})


class Counts:
    """The counters in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._add = {table: bulk.add(table, table.c.posts, database.dialect) for table in TABLES}

    async def keep_up(self, connection: AsyncConnection, changes: Sequence[Change]) -> None:
        """Count what has changed, in the transaction that changed it."""
        added = difference(changes)
        for table in TABLES:
            rows = [_row(table, key, number) for (of, key), number in added.items() if of is table]
            if rows:
                in_order = sorted(rows, key=lambda row: [str(value) for value in row.values()])  # as other replicas do
                await connection.execute(self._add[table], bulk.encode(in_order))

    async def by_state(self) -> dict[str, int]:
        """How many posts there are in each state."""
        found = {row["state"]: row["posts"] for row in await self._database.rows(select(post_counts))}
        return {state.value: found.get(state.value, 0) for state in State}

    async def lateness_since(self, instant: datetime) -> Lateness:
        """The lateness of all that was sent since then, and in the same minute."""
        table = lateness_by_minute
        recent = table.c.minute >= instant.replace(second=0, microsecond=0)
        return summary(_by_step(await self._database.rows(_steps(table, recent))))


def _steps(table: Table, *conditions: ColumnElement[bool]) -> Any:
    posts = func.sum(table.c.posts).label("posts")
    return select(table.c.step, posts).where(*conditions).group_by(table.c.step)


def _by_step(rows: Iterable[RowMapping]) -> Mapping[int, int]:
    return {row["step"]: int(row["posts"]) for row in rows if row["posts"]}


def _row(table: Table, key: tuple[Hashable, ...], number: int) -> Row:
    names = [column.name for column in table.primary_key]
    return dict(zip(names, key, strict=True)) | {"posts": number}
