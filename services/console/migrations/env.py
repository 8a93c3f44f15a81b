"""Alembic's entry point for the console's database."""

from services.console import (  # noqa: F401  (their tables belong to the metadata)
    tables_audit,
    tables_bulk,
    tables_counts,
    tables_reports,
    tables_web,
    tables_workspaces,
)
from services.console.tables import metadata
from shared.database.migrations import run_migrations

run_migrations(metadata, service="console", known_by="drafts")
