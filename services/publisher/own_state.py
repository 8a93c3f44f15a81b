"""Tells the console what the publisher keeps: accounts without their credentials, and the outcomes of posts."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import RowMapping, select

from services.publisher.domain import StoredAccount
from services.publisher.sending.facts import kept
from services.publisher.store import Store
from services.publisher.tables import publications
from shared.database.engine import Database
from shared.database.paging import pages
from shared.events.rebuilding import AccountTold, FactTold, StateTold
from shared.events.requests import AccountLimits
from shared.messaging.rebuild_answers import PAGE, in_parts

_KEY = (publications.c.post_id, publications.c.account_id)
_OUTCOME = (*_KEY, publications.c.outcome, publications.c.correlation_id, publications.c.updated_at)


@dataclass(frozen=True)
class OwnState:
    """What the publisher keeps, as a console that is built anew is told of it."""

    service: str
    store: Store
    database: Database

    async def parts(self) -> AsyncIterator[StateTold]:
        """Every account, and the last fact that was told of each post."""
        async for accounts in self.store.accounts(at_once=PAGE):
            for some in in_parts(accounts, lambda one: len(one.settings)):
                yield StateTold(service=self.service, accounts=tuple(map(_account_told, some)))
        outcomes = select(*_OUTCOME).where(publications.c.outcome.is_not(None))
        async for page in pages(self.database, outcomes, _KEY, PAGE):
            for told in in_parts(page, lambda row: len(row["outcome"])):
                yield StateTold(service=self.service, facts=tuple(map(_fact_told, told)))


def _account_told(account: StoredAccount) -> AccountTold:
    limits = json.loads(account.limits)
    return AccountTold(
        account_id=account.account_id,
        platform=account.platform,
        settings=json.loads(account.settings),
        limits=AccountLimits.model_validate(limits) if limits else None,
        is_connected=account.connected,
        changed_at=account.changed_at,
        token_expires_at=account.token_expires_at,
        needs_reconnect=account.needs_reconnect,
    )


def _fact_told(row: RowMapping) -> FactTold:
    fact = kept(row["outcome"])
    return FactTold(
        type=fact.type,
        correlation_id=row["correlation_id"],
        body=json.loads(fact.body()),
        changed_at=row["updated_at"],
    )
