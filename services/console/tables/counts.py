"""The console's counters, kept up with every change of a post: nothing is ever counted over all posts."""

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
)
"""How many posts there are now in each state."""

hourly_counts = Table(
    "hourly_counts",
    metadata,
    Column("hour", InstantColumn, primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("state", String(20), primary_key=True),
    Column("posts", Integer, nullable=False),
    Index("hourly_counts_of_account", "account_id", "hour"),
)
"""What became of the posts that were due in an hour (of UTC), deleted ones included."""

daily_counts = Table(
    "daily_counts",
    metadata,
    Column("day", InstantColumn, primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("state", String(20), primary_key=True),
    Column("posts", Integer, nullable=False),
    Index("daily_counts_of_account", "account_id", "day"),
)
"""The same by the day (of UTC)."""

hourly_lateness = Table(
    "hourly_lateness",
    metadata,
    Column("hour", InstantColumn, primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("posts", Integer, nullable=False),
    Index("hourly_lateness_of_account", "account_id", "hour"),
)
"""How late the posts due in an hour were sent: how many there are on each step of lateness."""

daily_lateness = Table(
    "daily_lateness",
    metadata,
    Column("day", InstantColumn, primary_key=True),
    Column("account_id", String(200), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("posts", Integer, nullable=False),
    Index("daily_lateness_of_account", "account_id", "day"),
)
"""The same by the day (of UTC)."""

lateness_by_minute = Table(
    "lateness_by_minute",
    metadata,
    Column("minute", InstantColumn, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("posts", Integer, nullable=False),
)
"""The same by the minute in which they were sent, for all accounts."""
