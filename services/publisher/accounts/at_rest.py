"""The queries of secrets at rest. Each changes an account only as long as its secrets are those it was read with."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, true, update

from services.publisher.accounts.credentials import LEASE
from services.publisher.domain import StoredAccount
from services.publisher.store import Store, Unit
from services.publisher.tables import accounts
from shared.messaging.envelope import Envelope

MOST_AT_ONCE = 100

_c = accounts.c


class AtRest:
    """The accounts' secrets as they are stored: which replica renews them, what came of it, and under which key."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def accounts(self, *, connected_only: bool) -> AsyncIterator[StoredAccount]:
        """Every account, read some at a time."""
        async for page in self.store.accounts(at_once=MOST_AT_ONCE):
            for account in page:
                if account.connected or not connected_only:
                    yield account

    async def begin(self, account: StoredAccount, *, until: datetime) -> bool:
        """Take the lease of a renewal; False where another replica took it since, or when there are other tokens."""
        return await self._change(account, _has_lease_of(account), renewing_until=until)

    async def is_unchanged(self, account: StoredAccount) -> bool:
        """Whether it has the lease and the tokens that it had, found out by a write: others can write as well, then."""
        return await self._change(account, _has_lease_of(account), renewing_until=account.renewing_until)

    async def end(self, account: StoredAccount) -> None:
        """Give our lease back: nothing came of it."""
        await self._change(account, _has_lease_of(account), renewing_until=None)

    async def expire(self, account: StoredAccount, now: datetime) -> None:
        """Note that the token is refused, whatever its date says."""
        await self._change(account, token_expires_at=now)

    async def keep(self, account: StoredAccount, renewed: StoredAccount, told: Envelope) -> bool:
        """Write new tokens and tell of them; False where the account was connected anew meanwhile."""
        return await self._change(
            account,
            told=told,
            renewed=renewed.renewed,
            token_expires_at=renewed.token_expires_at,
            refresh_expires_at=renewed.refresh_expires_at,
            renewing_until=None,
            needs_reconnect=False,
        )

    async def refuse(self, account: StoredAccount, told: Envelope) -> bool:
        """Note that a person must connect the account again, and tell of it; False when there are other tokens."""
        return await self._change(account, told=told, needs_reconnect=True, renewing_until=None)

    async def tell(self, account: StoredAccount, told: Envelope) -> None:
        """Tell of the account, unless it was connected anew or has other tokens: who did that has told of it."""
        await self._change(account, told=told, connected=account.connected)

    async def mark(self, account: StoredAccount, *, is_unreadable: bool, told: Envelope) -> None:
        """Note whether the account's secrets can be read, and tell of it where that is news."""
        await self._change(account, _c.is_unreadable != is_unreadable, told=told, is_unreadable=is_unreadable)

    async def write_anew(self, account: StoredAccount, anew: StoredAccount, now: datetime) -> bool:
        """Write the same secrets under another key; False while tokens are being renewed, or when they are others."""
        return await self._change(account, _is_free(now), credentials=anew.credentials, renewed=anew.renewed)

    async def _change(
        self, account: StoredAccount, *conditions: ColumnElement[bool], told: Envelope | None = None, **values: Any
    ) -> bool:
        is_as_read = (
            _c.account_id == account.account_id,
            _c.credentials == account.credentials,
            func.coalesce(_c.renewed, "") == (account.renewed or ""),
        )
        async with self.store.unit() as unit:
            changed = update(accounts).where(*is_as_read, *conditions).values(**values)
            is_changed = (await unit.connection.execute(changed)).rowcount > 0
            if told and is_changed:
                await unit.emit([told])
        return is_changed


async def refuse_account(unit: Unit, account_id: str, changed_at: datetime) -> bool:
    """Note that a person must connect the account again; False where one has, or has disconnected it, since then."""
    is_as_known = (_c.account_id == account_id, _c.connected == true(), _c.changed_at == changed_at)
    refused = await unit.connection.execute(update(accounts).where(*is_as_known).values(needs_reconnect=True))
    return refused.rowcount > 0


def _has_lease_of(account: StoredAccount) -> ColumnElement[bool]:
    """Its lease is the one that we know."""
    lease = account.renewing_until
    return _c.renewing_until.is_(None) if lease is None else _c.renewing_until == lease


def _is_free(now: datetime) -> ColumnElement[bool]:
    """Nobody renews its tokens (`is_being_renewed`)."""
    return or_(_c.renewing_until.is_(None), _c.renewing_until <= now, _c.renewing_until > now + 2 * LEASE)
