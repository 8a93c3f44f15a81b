"""Alembic's entry point for maintenance's database."""

from services.maintenance.tables import metadata
from shared.migrate import run_migrations

run_migrations(metadata)
