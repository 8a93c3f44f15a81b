"""The console's tables for those who sign in to its page."""

from sqlalchemy import Column, String, Table, Text

from services.console.tables.core import metadata
from shared.database.engine import InstantColumn

tokens = Table(
    "tokens",
    metadata,
    Column("token_id", String(32), primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("scope", String(10), nullable=False),
    Column("created_at", InstantColumn, nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("expires_at", InstantColumn, index=True),
    Column("last_used_at", InstantColumn),
)
"""Tokens that are good, or were until they expired; a revoked one is gone."""

sessions = Table(
    "sessions",
    metadata,
    Column("secret_hash", String(64), primary_key=True),
    Column("token_id", String(32), index=True),
    Column("signed_in_at", InstantColumn, nullable=False),
    Column("expires_at", InstantColumn, nullable=False, index=True),
)
"""Browsers that are signed in; the secret in their cookie is not kept. No token's id: with the settings' token."""

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("secret_hash", String(64), primary_key=True),
    Column("token_id", String(32), index=True),
    Column("expires_at", InstantColumn, nullable=False, index=True),
)
"""Links that sign in once; used, they are gone."""

network_sign_ins = Table(
    "network_sign_ins",
    metadata,
    Column("state_hash", String(64), primary_key=True),
    Column("session_hash", String(64), nullable=False),
    Column("encrypted", Text, nullable=False),
    Column("expires_at", InstantColumn, nullable=False, index=True),
)
"""Sign-ins at networks that wait for a person; only the state, which the browser brings back, can decrypt them."""
