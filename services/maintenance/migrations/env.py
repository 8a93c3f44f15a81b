"""Alembic's entry point for maintenance's database."""

from services.maintenance.tables import metadata
from shared.database.migrations import run_migrations

run_migrations(metadata, service="maintenance", known_by="alerts")
