"""The console's tables for acts on many posts."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from services.console.tables.core import metadata
from shared.database.engine import InstantColumn

bulk_runs = Table(
    "bulk_runs",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("act", String(20), nullable=False),
    Column("moving", Text),
    Column("state", String(20), nullable=False),
    Column("asked_by", String(100), nullable=False),
    Column("as_of", InstantColumn, nullable=False, index=True),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("pending", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("in_the_past", Integer),
    Column("claimed_until", InstantColumn),
    Column("ended_at", InstantColumn),
    Column("problem", Text),
    Index("bulk_runs_by_state", "state", "as_of"),
)
"""An act on all posts that matched at an instant; `moving` is how far, for the act that moves, and `in_the_past` how
many posts that would bring to a time that is past."""

bulk_items = Table(
    "bulk_items",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("post_id", String(200), nullable=False),
    Column("account_id", String(200), nullable=False),
    Column("outcome", String(20)),
    Column("reason", Text),
    Column("seen_at", InstantColumn, nullable=False, index=True),
    Column("move_to", InstantColumn),
    Index("bulk_items_by_outcome", "run_id", "outcome", "position"),
)
"""The posts of a run, and what became of each; without an outcome it is still to be done.

`move_to` is worked out once, before the first request: a move that is done again leads to the same instant.
"""
