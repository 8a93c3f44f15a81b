"""Sessions: a browser that has shown a token gets a secret of its own, good for as long as the token is."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, RowMapping, Select, Table, and_, bindparam, delete, insert, select

from services.console.access.actors import LOCAL, Actor
from services.console.access.tokens import Tokens
from services.console.tables.browsers import sessions, sign_in_links, tokens
from shared.clocks.clock import Clock
from shared.database.engine import Database

COOKIE = "timeball_session"
SECURE_COOKIE = f"__Host-{COOKIE}"
"""Its name over HTTPS: no other host under the same domain can set it."""
SESSION_LIFE = timedelta(days=7)
LINK_LIFE = timedelta(hours=12)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Sessions:
    """Who is signed in. Hashes are kept, made with the settings' token: another one, and nobody is signed in any more.

    A session has the scope of its token, and ends with it.
    """

    database: Database
    clock: Clock
    tokens: Tokens

    async def begin(self, actor: Actor) -> str:
        """The secret of a new session."""
        secret, now = secrets.token_urlsafe(32), self.clock.now()
        row = {"secret_hash": self._hash(secret), "token_id": actor.token_id, "expires_at": now + SESSION_LIFE}
        await self.database.write(insert(sessions).values(**row, signed_in_at=now))
        return secret

    async def who(self, secret: str | None) -> Actor | None:
        """Who has the session of this secret, unless it or its token has ended."""
        if not secret:
            return None
        rows = await self.database.rows(_GOOD_SESSION, self._good_with(secret))
        return await self._actor(rows[0]) if rows else None

    async def end(self, secret: str) -> None:
        """Sign out."""
        await self.database.write(delete(sessions).where(sessions.c.secret_hash == self._hash(secret)))

    async def end_all(self, actor: Actor) -> int:
        """Sign out everywhere: end every session and unused link of the token; how many sessions there were."""
        async with self.database.transaction() as connection:
            await connection.execute(delete(sign_in_links).where(sign_in_links.c.token_id == actor.token_id))
            return (await connection.execute(delete(sessions).where(sessions.c.token_id == actor.token_id))).rowcount

    async def make_link(self, actor: Actor) -> str:
        """The code of a link that signs in once, as whoever made it."""
        code, expires_at = secrets.token_urlsafe(32), self.clock.now() + LINK_LIFE
        row = {"secret_hash": self._hash(code), "token_id": actor.token_id, "expires_at": expires_at}
        await self.database.write(insert(sign_in_links).values(row))
        return code

    async def use_link(self, code: str) -> Actor | None:
        """Who the code signs in; it does so once."""
        good = self._good_with(code)
        async with self.database.transaction() as connection:
            row = (await connection.execute(_GOOD_LINK, good)).mappings().first()
            is_used = (await connection.execute(_USE_LINK, good)).rowcount == 1
        return await self._actor(row) if row and is_used else None

    def _good_with(self, secret: str) -> dict[str, Any]:
        return {"hash": self._hash(secret), "now": self.clock.now()}

    async def _actor(self, row: RowMapping) -> Actor | None:
        if row["of_token"] is None:
            return LOCAL
        return await self.tokens.used(row) if row["token_id"] else None

    def _hash(self, secret: str) -> str:
        return hmac.new(self.tokens.settings_token.encode(), secret.encode(), hashlib.sha256).hexdigest()


def _is_good(table: Table) -> ColumnElement[bool]:
    return and_(table.c.secret_hash == bindparam("hash"), table.c.expires_at > bindparam("now"))


def _with_token(table: Table) -> Select[Any]:
    """What is good, with its token; the settings' token has no row."""
    joined = table.outerjoin(tokens, tokens.c.token_id == table.c.token_id)
    return select(table.c.token_id.label("of_token"), tokens).select_from(joined).where(_is_good(table))


_GOOD_SESSION, _GOOD_LINK = _with_token(sessions), _with_token(sign_in_links)
_USE_LINK = delete(sign_in_links).where(_is_good(sign_in_links))


def cookie_of(is_secure: bool) -> str:
    """The name of the session's cookie."""
    return SECURE_COOKIE if is_secure else COOKIE


def is_ours(method: str, host: str, headers: Mapping[str, str]) -> bool:
    """Whether a request with a session's cookie comes from our own page.

    Browsers say so in `Sec-Fetch-Site`, older ones in `Origin`; who says neither is no browser and has no cookie.
    """
    if method in _READING:
        return True
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site == "same-origin"
    return origin is not None and urlsplit(origin).netloc == host
