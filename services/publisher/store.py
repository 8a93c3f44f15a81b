"""Every query of the publisher, but for those of secrets at rest and retention."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, RowMapping, select

from services.publisher.domain import Key, Publication, StoredAccount
from services.publisher.sending.evidence import Attempt, Evidence
from services.publisher.statements import (
    BEGUN,
    FINISHED,
    IS_LATER,
    begin_statement,
    close_account_statement,
    close_app_statement,
    finish_statement,
)
from services.publisher.tables import accounts, attempts, inbox, publications, reservations
from shared.database import bulk
from shared.database.engine import Database
from shared.events import Event
from shared.events.progress import State
from shared.messaging.inbox import Inbox
from shared.messaging.outbox import Outbox
from shared.messaging.unit_of_work import UnitOfWork, unit_of_work


class Unit(UnitOfWork["Store"]):
    """One transaction's queries; what it emits is relayed after the commit."""

    async def remember(self, inbox_id: str | None, now: datetime) -> bool:
        """Note a message as taken; False when it had been taken before."""
        return inbox_id is None or bool(await self.store.inbox.remember(self.connection, [inbox_id], now))

    async def make(self, new: Sequence[Publication]) -> set[Key]:
        """Write publications that are not there yet, locked until the commit; the answer has their keys."""
        ordered = sorted(new, key=lambda one: one.key)
        made = await self.connection.execute(self.store.make_publications, bulk.encode_records(ordered))
        return {(row.post_id, row.account_id) for row in made}

    async def publications(self, keys: Iterable[Key]) -> dict[Key, Publication]:
        """What is known of these posts and accounts, locked until the commit."""
        found = (Publication(**row) for row in await self._by_key(self.store.load_publications, keys))
        return {one.key: one for one in found}

    async def attempts(self, keys: Iterable[Key]) -> dict[Key, tuple[Attempt, ...]]:
        """The attempts at these posts, oldest first."""
        found: dict[Key, tuple[Attempt, ...]] = {}
        attempts = map(_attempt, await self._by_key(self.store.load_attempts, keys))
        for attempt in sorted(attempts, key=lambda one: one.number):
            found[attempt.key] = (*found.get(attempt.key, ()), attempt)
        return found

    async def accounts(self, account_ids: Iterable[str]) -> dict[str, StoredAccount]:
        """These accounts, as far as they are known."""
        rows = bulk.encode({"account_id": account_id} for account_id in sorted(set(account_ids)))
        found = (await self.connection.execute(self.store.load_accounts, rows)).mappings()
        return {row["account_id"]: StoredAccount(**row) for row in found}

    async def account_to_change(self, account_id: str) -> StoredAccount | None:
        """One account, locked until the commit."""
        rows = bulk.encode([{"account_id": account_id}])
        found = (await self.connection.execute(self.store.load_account_to_change, rows)).mappings().one_or_none()
        return StoredAccount(**found) if found else None

    async def save_account(self, account: StoredAccount, *, is_new: bool = False) -> bool:
        """Write an account that is locked, or a new one; False where a later request has added that meanwhile."""
        statement = self.store.add_account if is_new else self.store.write_account
        return bool((await self.connection.execute(statement, bulk.encode([bulk.row_of(account)]))).all())

    async def close_accounts(self, account_id: str, until: datetime, *, whole_app: bool) -> None:
        """Let nothing be sent on the account, or on all accounts of its app, until then."""
        row = {"account_id": account_id, "closed_until": until}
        await self.connection.execute(
            self.store.close_app if whole_app else self.store.close_account, bulk.encode([row])
        )

    async def reservations(self, buckets: Iterable[str]) -> dict[str, Any]:
        """What is kept under the names of these buckets, locked until the commit."""
        rows = bulk.encode({"bucket": bucket, "kept": "{}"} for bucket in sorted(set(buckets)))
        await self.connection.execute(self.store.make_reservations, rows)
        found = (await self.connection.execute(self.store.load_reservations, rows)).mappings()
        return {row["bucket"]: json.loads(row["kept"]) for row in found}

    async def save_reservations(self, kept: Mapping[str, Any]) -> None:
        """Write what is kept of buckets that are locked."""
        rows = [{"bucket": bucket, "kept": json.dumps(value)} for bucket, value in sorted(kept.items())]
        await self.connection.execute(self.store.save_reservations, bulk.encode(rows))

    async def save(self, changed: Sequence[Publication]) -> None:
        """Write publications that are locked."""
        if changed:
            ordered = sorted(changed, key=lambda one: one.key)
            await self.connection.execute(self.store.save_publications, bulk.encode_records(ordered))

    async def save_attempts(self, changed: Sequence[Attempt]) -> None:
        """Write attempts, new or with the evidence they have come to; what has landed stays landed."""
        if changed:
            ordered = sorted(changed, key=lambda one: (one.key, one.number))
            await self.connection.execute(self.store.save_attempts, bulk.encode_records(ordered))

    async def begin(self, claimed: Sequence[Publication], now: datetime) -> set[str]:
        """Note that these are about to be sent; the answer has the tokens of those that still may be."""
        rows = (bulk.row_of(one, only=BEGUN) | {"updated_at": now} for one in claimed)
        return await self._changed(self.store.begin, rows)

    async def finish(self, finished: Sequence[tuple[Publication, str, bool]]) -> set[str]:
        """Write outcomes under the tokens they were claimed with; the answer has the tokens of those that counted.

        Each with whether it stands even where the post has been withdrawn meanwhile.
        """
        rows = (
            bulk.row_of(one, only=FINISHED) | {"claim_token": token, "stands": stands}
            for one, token, stands in finished
        )
        return await self._changed(self.store.finish, rows)

    async def _changed(self, statement: Executable, rows: Iterable[bulk.Row]) -> set[str]:
        """Run the statement; the answer has the tokens of the rows that passed its guard."""
        tokens: set[str] = set()
        for some in _each_key_once(rows):
            result = await self.connection.execute(statement, bulk.encode(some.values()))
            tokens.update(some[row.post_id, row.account_id]["claim_token"] for row in result)
        return tokens

    async def _by_key(self, statement: Executable, keys: Iterable[Key]) -> Sequence[RowMapping]:
        rows = bulk.encode({"post_id": post_id, "account_id": account_id} for post_id, account_id in sorted(set(keys)))
        return (await self.connection.execute(statement, rows)).mappings().all()


class Store:
    """The publisher's database."""

    def __init__(self, database: Database, outbox_: Outbox) -> None:
        self._database = database
        dialect = database.dialect
        self.outbox = outbox_
        self.inbox = Inbox(inbox, database)
        self.make_publications = bulk.insert_missing(publications, dialect)
        self.load_publications = bulk.select_by_key(publications, dialect, lock=True)
        self.save_publications = bulk.upsert(publications, dialect, guard="true")
        of_a_post = [attempts.c.post_id, attempts.c.account_id]
        self.load_attempts = bulk.select_by_key(attempts, dialect, key=of_a_post, lock=True)
        self.save_attempts = bulk.upsert(attempts, dialect, guard="attempts.evidence <> 'landed'")
        self.load_accounts = bulk.select_by_key(accounts, dialect)
        self.load_account_to_change = bulk.select_by_key(accounts, dialect, lock=True)
        self.write_account = bulk.upsert(accounts, dialect, guard="true", returns_keys=True)
        self.add_account = bulk.upsert(accounts, dialect, guard=IS_LATER, returns_keys=True)
        self.make_reservations = bulk.insert_missing(reservations, dialect)
        self.load_reservations = bulk.select_by_key(reservations, dialect, lock=True)
        self.save_reservations = bulk.update(reservations, [reservations.c.kept], dialect)
        self.begin = begin_statement(dialect)
        self.finish = finish_statement(dialect)
        self.close_account = close_account_statement(dialect)
        self.close_app = close_app_statement(dialect)

    def unit(self) -> AbstractAsyncContextManager[Unit]:
        """A transaction; after its commit what it emitted is relayed."""
        return unit_of_work(lambda connection: Unit(self, connection), self._database, self.outbox)

    async def tell(self, fact: Event, correlation_id: str) -> None:
        """Emit a fact by itself."""
        async with self.unit() as unit:
            await unit.tell(fact, correlation_id=correlation_id)

    async def others_outcomes(self, key: Key, identity: str, since: datetime) -> list[str]:
        """The outcomes of other posts on the account that were published since then and mention this text."""
        c = publications.c
        mention = (c.state == State.PUBLISHED, c.updated_at >= since, c.outcome.contains(identity, autoescape=True))
        others = select(c.outcome).where(*mention, c.account_id == key[1], c.post_id != key[0])
        return [row["outcome"] for row in await self._database.rows(others)]

    async def accounts(self, *, at_once: int) -> AsyncIterator[list[StoredAccount]]:
        """Every account, so many at a time."""
        in_order, last = select(accounts).order_by(accounts.c.account_id).limit(at_once), ""
        while rows := await self._database.rows(in_order.where(accounts.c.account_id > last)):
            yield [StoredAccount(**row) for row in rows]
            last = rows[-1]["account_id"]

    async def reservations(self, buckets: Iterable[str]) -> dict[str, Any]:
        """What is kept under the names of these buckets, for who only looks."""
        wanted = select(reservations).where(reservations.c.bucket.in_(list(buckets)))
        return {row["bucket"]: json.loads(row["kept"]) for row in await self._database.rows(wanted)}

    async def account(self, account_id: str) -> StoredAccount | None:
        """One account."""
        rows = await self._database.rows(select(accounts).where(accounts.c.account_id == account_id))
        return StoredAccount(**rows[0]) if rows else None


def _attempt(row: RowMapping) -> Attempt:
    return Attempt(**{**row, "evidence": Evidence(row["evidence"])})


def _each_key_once(rows: Iterable[bulk.Row]) -> list[dict[Key, bulk.Row]]:
    """The rows in as few groups as possible, so that no statement meets two claims on one and the same post."""
    groups: list[dict[Key, bulk.Row]] = []
    for row in rows:
        key = row["post_id"], row["account_id"]
        group = next((group for group in groups if key not in group), None)
        if group is None:
            groups.append(group := {})
        group[key] = row
    return [dict(sorted(group.items())) for group in groups]
