"""Alembic's entry point for the publisher's database."""

from services.publisher.tables import metadata
from shared.database.migrations import run_migrations

run_migrations(metadata, service="publisher", known_by="publications")
