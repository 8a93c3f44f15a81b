"""Alembic's entry point for the scheduler's database."""

from services.scheduler.tables import metadata
from shared.database.migrations import run_migrations

run_migrations(metadata, service="scheduler", known_by="schedules")
