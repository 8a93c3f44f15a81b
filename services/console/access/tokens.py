"""Tokens: several, each with a name and a scope. Only a hash of a token's secret is kept; revoked, a token is gone."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from services.console.access.actors import LOCAL, Actor, Scope
from services.console.tables.browsers import sessions, sign_in_links, tokens
from shared.clocks.clock import Clock
from shared.database.engine import Database

PREFIX = "tbl_"
"""What every secret begins with, so that people and secret scanners know what they have found."""
SECRET_BYTES = 32
USED_AGAIN = timedelta(minutes=5)
"""Use is written down this often at most."""


class NameTaken(Exception):
    """There is a token of this name already; revoke it first, or choose another name."""


@dataclass(frozen=True)
class Tokens:
    """The tokens in the console's database, and that of the settings, which is always good."""

    database: Database
    clock: Clock
    settings_token: str

    async def who(self, secret: str) -> Actor | None:
        """Who has this secret, unless the token is revoked or has expired."""
        if hmac.compare_digest(secret.encode(), self.settings_token.encode()):
            return LOCAL
        if not secret.startswith(PREFIX):
            return None
        digest = hash_of(secret)
        rows = await self.database.rows(select(tokens).where(tokens.c.secret_hash == digest))
        return await self.used(rows[0]) if rows else None

    async def used(self, row: RowMapping) -> Actor | None:
        """Who has the token of this row, if it is still good; that it was used is written down, seldom."""
        now = self.clock.now()
        if has_expired(row["expires_at"], now):
            return None
        before = now - USED_AGAIN
        if row["last_used_at"] is None or row["last_used_at"] <= before:
            await self._note_use(row["token_id"], now, before)
        return Actor(row["name"], Scope(row["scope"]), row["token_id"])

    async def create(self, name: str, scope: Scope, expires_at: datetime | None, by: str) -> tuple[RowMapping, str]:
        """A new token with its secret, which nobody can be told again; or NameTaken."""
        secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        row = {
            "token_id": secrets.token_hex(8),
            "name": name,
            "secret_hash": hash_of(secret),
            "scope": scope.value,
            "created_at": self.clock.now(),
            "created_by": by,
            "expires_at": expires_at,
        }
        try:
            async with self.database.transaction() as connection:
                await connection.execute(insert(tokens).values(row))
                made = (await connection.execute(select(tokens).where(tokens.c.name == name))).mappings().one()
        except IntegrityError as error:
            raise NameTaken(f"there is a token {name!r} already; revoke it first, or choose another name") from error
        return made, secret

    async def listed(self) -> Sequence[RowMapping]:
        """Every token, by name."""
        return await self.database.rows(select(tokens).order_by(tokens.c.name))

    async def revoke(self, name: str) -> bool:
        """Have the token, and every session and link made with it, good for nothing from now on; whether it was."""
        async with self.database.transaction() as connection:
            wanted = select(tokens.c.token_id).where(tokens.c.name == name)
            token_id = (await connection.execute(wanted)).scalar()
            if token_id is None:
                return False
            for table in (sessions, sign_in_links, tokens):
                await connection.execute(delete(table).where(table.c.token_id == token_id))
        return True

    async def _note_use(self, token_id: str, now: datetime, before: datetime) -> None:
        is_due = or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at <= before)
        await self.database.write(update(tokens).where(tokens.c.token_id == token_id, is_due).values(last_used_at=now))


def hash_of(secret: str) -> str:
    """What is kept of a secret: it has 256 random bits, so a plain hash tells nothing of it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def has_expired(expires_at: datetime | None, now: datetime) -> bool:
    """Whether a token's time is over."""
    return expires_at is not None and expires_at <= now
