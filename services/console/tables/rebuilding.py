"""The console's tables of what services have told it of their state, and of what it may have missed."""

from sqlalchemy import Column, Integer, String, Table

from services.console.tables.core import metadata
from shared.database.engine import InstantColumn

rebuilds = Table(
    "rebuilds",
    metadata,
    Column("rebuild_id", String(200), primary_key=True),
    Column("seen_at", InstantColumn, nullable=False, index=True),
)
"""Rebuilds that were asked for."""

tellings = Table(
    "tellings",
    metadata,
    Column("telling_id", String(200), primary_key=True),
    Column("rebuild_id", String(200), nullable=False, index=True),
    Column("service", String(100), nullable=False),
    Column("told", Integer, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("seen_at", InstantColumn, nullable=False, index=True),
)
"""Answers to a rebuild: the service has told so many things, in so many parts."""

told_parts = Table(
    "told_parts",
    metadata,
    Column("telling_id", String(200), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("seen_at", InstantColumn, nullable=False, index=True),
)
"""The parts that have been read."""

own_queues = Table(
    "own_queues",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("missed_at", InstantColumn),
)
"""Queues of the console that have been there; `missed_at` is when one was found gone, until a rebuild is asked for."""
