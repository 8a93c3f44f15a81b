"""Alembic's entry point for the console's database."""

from services.console import tables_web  # noqa: F401  (its tables belong to the metadata)
from services.console.tables import metadata
from shared.database.migrations import run_migrations

run_migrations(metadata, service="console", known_by="drafts")
