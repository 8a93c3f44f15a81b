"""The console's counters, kept up with every change of a post: nothing is ever counted over all posts."""

from typing import Any

from sqlalchemy import Column, Index, Integer, String, Table

from services.console.tables.core import metadata
from shared.database.engine import InstantColumn

ALL_ACCOUNTS = ""
"""In place of an account: all of them together, so that a page about everything reads few rows."""

post_counts = Table(
    "post_counts",
    metadata,
    Column("state", String(20), primary_key=True),
    Column("posts", Integer, nullable=False),
    Column("deleted_before", InstantColumn),
)
"""How many posts there are now in each state; those that had come to it before that instant are deleted."""


def _by_account(name: str, period: str, counted: Column[Any]) -> Table:
    """How many posts there are of each kind that is counted, by period and account."""
    return Table(
        name,
        metadata,
        Column(period, InstantColumn, primary_key=True),
        Column("account_id", String(200), primary_key=True),
        counted,
        Column("posts", Integer, nullable=False),
        Index(f"{name}_of_account", "account_id", period),
    )


hourly_counts = _by_account("hourly_counts", "hour", Column("state", String(20), primary_key=True))
"""What became of the posts that were due in an hour (of UTC), deleted ones included."""

daily_counts = _by_account("daily_counts", "day", Column("state", String(20), primary_key=True))
"""The same by the day (of UTC)."""

hourly_lateness = _by_account("hourly_lateness", "hour", Column("step", Integer, primary_key=True))
"""How late the posts due in an hour were sent: how many there are on each step of lateness."""

daily_lateness = _by_account("daily_lateness", "day", Column("step", Integer, primary_key=True))
"""The same by the day (of UTC)."""

lateness_by_minute = Table(
    "lateness_by_minute",
    metadata,
    Column("minute", InstantColumn, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("posts", Integer, nullable=False),
)
"""The same by the minute in which they were sent, for all accounts."""
