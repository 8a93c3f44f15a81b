"""Alembic's entry point for the console's database."""

from services.console.tables import metadata
from shared.database.migrations import run_migrations

run_migrations(metadata, service="console", known_by="drafts")
