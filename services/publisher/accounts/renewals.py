"""The queries of token renewals: each changes the account only as long as its tokens are those it was read with."""

from datetime import datetime
from typing import Any

from sqlalchemy import Update, func, or_, true, update

from services.publisher.domain import StoredAccount
from services.publisher.store import Store, Unit
from services.publisher.tables import accounts
from shared.messaging.envelope import Envelope

_c = accounts.c


class Renewals:
    """Which replica renews an account's tokens, and what came of it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def account(self, account_id: str) -> StoredAccount | None:
        """The account as it is now."""
        return await self._store.account(account_id)

    async def begin(self, account: StoredAccount, *, until: datetime, now: datetime) -> bool:
        """Take the lease; False while another replica has it, or when there are other tokens by now."""
        is_free = or_(_c.renewing_until.is_(None), _c.renewing_until < now)
        return await self._change(_with_tokens_of(account).where(is_free).values(renewing_until=until))

    async def end(self, account: StoredAccount) -> None:
        """Give the lease back: nothing came of it."""
        await self._change(_with_tokens_of(account).values(renewing_until=None))

    async def expire(self, account: StoredAccount, now: datetime) -> None:
        """Note that the token is refused, whatever its date says."""
        await self._change(_with_tokens_of(account).values(token_expires_at=now))

    async def keep(self, account: StoredAccount, renewed: StoredAccount, told: Envelope) -> bool:
        """Write new tokens and tell of them; False where the account was connected anew meanwhile."""
        changes: dict[str, Any] = {
            "renewed": renewed.renewed,
            "token_expires_at": renewed.token_expires_at,
            "refresh_expires_at": renewed.refresh_expires_at,
            "renewing_until": None,
            "needs_reconnect": False,
        }
        return await self._change(_with_tokens_of(account).values(**changes), told)

    async def refuse(self, account: StoredAccount, told: Envelope) -> None:
        """Note that a person must connect the account again, and tell of it."""
        refused = _with_tokens_of(account).values(needs_reconnect=True, renewing_until=None)
        await self._change(refused, told)

    async def _change(self, statement: Update, told: Envelope | None = None) -> bool:
        async with self._store.unit() as unit:
            is_changed = (await unit.connection.execute(statement)).rowcount > 0
            if told and is_changed:
                await unit.emit([told])
        return is_changed


async def refuse_account(unit: Unit, account_id: str, *, known_at: datetime) -> None:
    """Note that a person must connect the account again, unless one has since it was known to be refused."""
    is_as_known = (_c.account_id == account_id, _c.connected == true(), _c.changed_at <= known_at)
    await unit.connection.execute(update(accounts).where(*is_as_known).values(needs_reconnect=True))


def _with_tokens_of(account: StoredAccount) -> Update:
    is_unchanged = (_c.credentials == account.credentials, func.coalesce(_c.renewed, "") == (account.renewed or ""))
    return update(accounts).where(_c.account_id == account.account_id, _c.connected == true(), *is_unchanged)
