"""Alembic's entry point for the monitor's database."""

from services.monitor.tables import metadata
from shared.database.migrations import run_migrations

run_migrations(metadata, service="monitor", known_by="deliveries")
