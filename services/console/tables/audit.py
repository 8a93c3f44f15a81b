"""The console's tables of who did what."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from services.console.tables.core import metadata
from shared.database.engine import InstantColumn
from shared.messaging.outbox_rows import outbox_table

acts = Table(
    "acts",
    metadata,
    Column("act_id", String(200), primary_key=True),
    Column("who", String(100), nullable=False),
    Column("via", String(20), nullable=False),
    Column("address", String(100), nullable=False),
    Column("act", String(100), nullable=False),
    Column("objects", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("code", String(100)),
    Column("request_id", String(200), nullable=False),
    Column("acted_at", InstantColumn, nullable=False),
    Index("acts_by_time", "acted_at", "act_id"),
    Index("acts_by_who", "who", "acted_at", "act_id"),
    Index("acts_by_act", "act", "acted_at", "act_id"),
)
"""What somebody did, or was refused; of what it is about the first things."""

act_objects = Table(
    "act_objects",
    metadata,
    Column("object_id", String(200), primary_key=True),
    Column("acted_at", InstantColumn, primary_key=True, index=True),
    Column("act_id", String(200), primary_key=True),
)
"""What each act is about, to search by."""

outbox = outbox_table(metadata)
