"""Sessions: a browser that has shown the token gets a secret of its own, which the token alone can check."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import delete, insert, select

from services.console.tables_web import sessions, sign_in_links
from shared.clocks.clock import Clock
from shared.database.engine import Database

COOKIE = "timeball_session"
SESSION_LIFE = timedelta(days=7)
LINK_LIFE = timedelta(hours=12)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Sessions:
    """Who is signed in. Only hashes are kept, made with the token: another token, and nobody is signed in any more."""

    database: Database
    clock: Clock
    token: str

    def is_token(self, given: str) -> bool:
        """Whether this is the console's token."""
        return hmac.compare_digest(given.encode(), self.token.encode())

    async def begin(self) -> str:
        """The secret of a new session."""
        secret, now = secrets.token_urlsafe(32), self.clock.now()
        row = {"secret_hash": self._hash(secret), "signed_in_at": now, "expires_at": now + SESSION_LIFE}
        async with self.database.transaction() as connection:
            await connection.execute(insert(sessions).values(row))
        return secret

    async def is_open(self, secret: str | None) -> bool:
        """Whether this is the secret of a session that has not ended."""
        if not secret:
            return False
        named = sessions.c.secret_hash == self._hash(secret)
        wanted = select(sessions.c.secret_hash).where(named, sessions.c.expires_at > self.clock.now())
        async with self.database.reading() as connection:
            return (await connection.execute(wanted)).scalar() is not None

    async def end(self, secret: str) -> None:
        """Sign out."""
        async with self.database.transaction() as connection:
            await connection.execute(delete(sessions).where(sessions.c.secret_hash == self._hash(secret)))

    async def make_link(self) -> str:
        """The code of a link that signs in once."""
        code = secrets.token_urlsafe(32)
        row = {"secret_hash": self._hash(code), "expires_at": self.clock.now() + LINK_LIFE}
        async with self.database.transaction() as connection:
            await connection.execute(insert(sign_in_links).values(row))
        return code

    async def use_link(self, code: str) -> bool:
        """Whether the code signs in; it does so once."""
        named = sign_in_links.c.secret_hash == self._hash(code)
        used = delete(sign_in_links).where(named, sign_in_links.c.expires_at > self.clock.now())
        async with self.database.transaction() as connection:
            return (await connection.execute(used)).rowcount == 1

    def _hash(self, secret: str) -> str:
        return hmac.new(self.token.encode(), secret.encode(), hashlib.sha256).hexdigest()


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
