"""Tells the console what the publisher keeps: accounts without their credentials, and the outcomes of posts."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, literal, select, tuple_

from services.publisher.sending.facts import kept
from services.publisher.tables import accounts, publications
from shared.database.engine import Database
from shared.events.rebuilding import AccountTold, FactTold, StateTold
from shared.events.requests import AccountLimits
from shared.messaging.telling import PAGE, in_parts

_KEY = (publications.c.post_id, publications.c.account_id)
_OUTCOME = (*_KEY, publications.c.outcome, publications.c.correlation_id)
_ACCOUNT = (
    accounts.c.account_id,
    accounts.c.platform,
    accounts.c.settings,
    accounts.c.limits,
    accounts.c.connected,
    accounts.c.changed_at,
    accounts.c.token_expires_at,
    accounts.c.needs_reconnect,
)


@dataclass(frozen=True)
class Kept:
    """What the publisher keeps, as it is told."""

    service: str
    database: Database

    async def parts(self) -> AsyncIterator[StateTold]:
        """Every account, and the last fact that was told of each post."""
        last = ""
        while rows := await self._accounts(last):
            for some in in_parts(rows, lambda row: len(row.settings)):
                yield StateTold(service=self.service, accounts=tuple(map(_account_told, some)))
            last = rows[-1].account_id
        after = ("", "")
        while outcomes := await self._outcomes(after):
            for told in in_parts(outcomes, lambda row: len(row.outcome)):
                yield StateTold(service=self.service, facts=tuple(map(_fact_told, told)))
            after = outcomes[-1].post_id, outcomes[-1].account_id

    async def _accounts(self, after: str) -> Sequence[Any]:
        account_id = accounts.c.account_id
        wanted = select(*_ACCOUNT).where(account_id > after).order_by(account_id).limit(PAGE)
        async with self.database.reading() as connection:
            return (await connection.execute(wanted)).all()

    async def _outcomes(self, after: tuple[str, str]) -> Sequence[Any]:
        bounds = [literal(value, column.type) for value, column in zip(after, _KEY, strict=True)]
        known = publications.c.outcome.is_not(None)
        wanted = select(*_OUTCOME).where(tuple_(*_KEY) > tuple_(*bounds), known).order_by(*_KEY).limit(PAGE)
        async with self.database.reading() as connection:
            return (await connection.execute(wanted)).all()


def _account_told(row: Row[Any]) -> AccountTold:
    limits = json.loads(row.limits)
    return AccountTold(
        account_id=row.account_id,
        platform=row.platform,
        settings=json.loads(row.settings),
        limits=AccountLimits.model_validate(limits) if limits else None,
        is_connected=bool(row.connected),
        changed_at=row.changed_at,
        token_expires_at=row.token_expires_at,
        needs_reconnect=bool(row.needs_reconnect),
    )


def _fact_told(row: Row[Any]) -> FactTold:
    fact = kept(row.outcome)
    return FactTold(type=fact.type, correlation_id=row.correlation_id, body=json.loads(fact.body()))
