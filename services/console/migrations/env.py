"""Alembic's entry point for the console's database."""

from services.console.tables import (  # noqa: F401  (their tables belong to the metadata)
    audit,
    browsers,
    bulk,
    counts,
    imports,
    reports,
    workspaces,
)
from services.console.tables.core import metadata
from shared.database.migrations import run_migrations

run_migrations(metadata, service="console", known_by="drafts")
