"""Sign-ins at networks that wait for a person, encrypted with what only their browser brings back."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import delete, insert, select

from services.console.tables.browsers import network_sign_ins
from shared.clocks.clock import Clock
from shared.database.engine import Database

SIGN_IN_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True)
class NetworkSignIns:
    """Each can be taken once, by the session that began it, within ten minutes.

    The keys of a person's app are among what waits. The state of the sign-in encrypts them and is not kept, so that
    whoever reads the database learns nothing.
    """

    database: Database
    clock: Clock

    async def keep(self, state: str, session: str, waiting: Mapping[str, Any]) -> None:
        """Keep what must be known when the browser is back."""
        row = {
            "state_hash": _hash("state", state),
            "session_hash": _hash("session", session),
            "encrypted": _fernet(state).encrypt(json.dumps(dict(waiting)).encode()).decode(),
            "expires_at": self.clock.now() + SIGN_IN_WITHIN,
        }
        await self.database.write(insert(network_sign_ins).values(row))

    async def take(self, state: str, session: str) -> dict[str, Any] | None:
        """What was kept; None where this session began no such sign-in, or it was taken, or is too old."""
        is_it = (
            (network_sign_ins.c.state_hash == _hash("state", state))
            & (network_sign_ins.c.session_hash == _hash("session", session))
            & (network_sign_ins.c.expires_at > self.clock.now())
        )
        async with self.database.transaction() as connection:
            encrypted = (await connection.execute(select(network_sign_ins.c.encrypted).where(is_it))).scalar()
            is_taken = (await connection.execute(delete(network_sign_ins).where(is_it))).rowcount == 1
        if encrypted is None or not is_taken:
            return None
        waiting: dict[str, Any] = json.loads(_fernet(state).decrypt(encrypted))
        return waiting


def _fernet(state: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"key/{state}".encode()).digest()))


def _hash(what: str, secret: str) -> str:
    return hashlib.sha256(f"{what}/{secret}".encode()).hexdigest()
