"""The console's tables for those who sign in to its page."""

from sqlalchemy import Column, String, Table

from services.console.tables import metadata
from shared.database.engine import InstantColumn

sessions = Table(
    "sessions",
    metadata,
    Column("secret_hash", String(64), primary_key=True),
    Column("signed_in_at", InstantColumn, nullable=False),
    Column("expires_at", InstantColumn, nullable=False, index=True),
)
"""Browsers that are signed in; the secret in their cookie is not kept."""

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("secret_hash", String(64), primary_key=True),
    Column("expires_at", InstantColumn, nullable=False, index=True),
)
"""Links that sign in once; used, they are gone."""
