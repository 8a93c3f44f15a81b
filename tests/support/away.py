"""A store whose database is away for a while."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.publisher.domain import StoredAccount
from services.publisher.store import Store, Unit


@dataclass
class Away:
    """The publisher's store, as far as it reads accounts and begins units."""

    store: Store
    is_away: bool = False

    async def account(self, account_id: str) -> StoredAccount | None:
        """The account."""
        return await self.store.account(account_id)

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[Unit]:
        """A unit of work, or an error while the database is away."""
        if self.is_away:
            raise ConnectionError("the database is away")
        async with self.store.unit() as unit:
            yield unit
