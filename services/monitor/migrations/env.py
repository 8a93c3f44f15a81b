"""Alembic's entry point for the monitor's database."""

from services.monitor.tables import metadata
from shared.migrate import run_migrations

run_migrations(metadata)
