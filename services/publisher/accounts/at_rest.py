"""The queries of secrets at rest. Each changes an account only as long as its secrets are those it was read with."""

from collections.abc import AsyncIterator
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, update

from services.publisher.domain import StoredAccount
from services.publisher.store import Store
from services.publisher.tables import accounts
from shared.messaging.envelope import Envelope

MOST_AT_ONCE = 100

_c = accounts.c


class AtRest:
    """The accounts' secrets as they are stored."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def accounts(self, *, connected_only: bool) -> AsyncIterator[StoredAccount]:
        """Every account, read some at a time."""
        page = await self._store.accounts_after("", most=MOST_AT_ONCE)
        while page:
            for account in page:
                if account.connected or not connected_only:
                    yield account
            page = await self._store.accounts_after(page[-1].account_id, most=MOST_AT_ONCE)

    async def mark(self, account: StoredAccount, *, is_unreadable: bool, told: Envelope) -> bool:
        """Note whether the account's secrets can be read, and tell of it where that is news."""
        is_news = _c.is_unreadable == (not is_unreadable)
        changed = update(accounts).where(*_as_read(account), is_news).values(is_unreadable=is_unreadable)
        async with self._store.unit() as unit:
            if not (await unit.connection.execute(changed)).rowcount:
                return False
            await unit.emit([told])
        return True

    async def write_anew(self, account: StoredAccount, anew: StoredAccount, now: datetime) -> bool:
        """Write the same secrets under another key; False while tokens are being renewed, or when they are others."""
        is_free = or_(_c.renewing_until.is_(None), _c.renewing_until < now)
        written = update(accounts).where(*_as_read(account), is_free)
        async with self._store.unit() as unit:
            values = {"credentials": anew.credentials, "renewed": anew.renewed}
            return (await unit.connection.execute(written.values(**values))).rowcount > 0

    async def account(self, account_id: str) -> StoredAccount | None:
        """The account as it is now."""
        return await self._store.account(account_id)

    async def tell(self, told: Envelope) -> None:
        """Emit an event by itself."""
        async with self._store.unit() as unit:
            await unit.emit([told])


def _as_read(account: StoredAccount) -> tuple[ColumnElement[bool], ...]:
    return (
        _c.account_id == account.account_id,
        _c.credentials == account.credentials,
        func.coalesce(_c.renewed, "") == (account.renewed or ""),
    )
