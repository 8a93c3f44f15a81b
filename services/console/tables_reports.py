"""The console's table of what processes tell of themselves."""

from sqlalchemy import Column, Float, String, Table, Text

from services.console.tables import metadata
from shared.database.engine import InstantColumn

service_reports = Table(
    "service_reports",
    metadata,
    Column("service", String(100), primary_key=True),
    Column("instance", String(200), primary_key=True),
    Column("problems", Text, nullable=False),
    Column("outbox_age_seconds", Float),
    Column("queues", Text, nullable=False),
    Column("seen_at", InstantColumn, nullable=False, index=True),
)
"""The latest report of each process."""
