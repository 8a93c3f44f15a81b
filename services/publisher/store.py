"""Every query of the publisher."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, RowMapping, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.publisher.domain import Publication, StoredAccount, Tombstone
from services.publisher.limits import Bucket, Window
from services.publisher.tables import accounts, inbox, publications, reservations, tombstones
from shared import bulk
from shared.db import Conflict, Database
from shared.messaging.envelope import Envelope
from shared.messaging.inbox import Inbox
from shared.messaging.outbox import Outbox

Key = tuple[str, str]

_NOT_REVOKED = (
    "NOT EXISTS (SELECT 1 FROM tombstones WHERE tombstones.post_id = publications.post_id "
    "AND tombstones.account_id = publications.account_id AND tombstones.revision >= publications.revision)"
)
_IN_ITS_SLOT = "publications.slot_at IS NOT DISTINCT FROM given.slot_at"
_IS_OPEN = (
    "NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.account_id = publications.account_id AND "
    "accounts.closed_until > given.updated_at AND accounts.closed_until > coalesce(given.slot_at, given.not_before))"
)
_STILL_OURS = "publications.claim_token = given.claim_token"


@dataclass
class Unit:
    """One transaction's queries; what it emits is relayed after the commit."""

    store: "Store"
    connection: AsyncConnection
    emitted: list[Envelope] = field(default_factory=list)
    locked: set[Key] = field(default_factory=set)

    async def remember(self, message_id: str | None, now: datetime) -> bool:
        """Note a message as taken; False when it had been taken before."""
        return message_id is None or bool(await self.store.inbox.remember(self.connection, [message_id], now))

    async def publications(self, keys: Iterable[Key]) -> dict[Key, Publication]:
        """What is known of these posts and accounts, locked until the commit."""
        rows = await self._by_key(self.store.load_publications, keys)
        found = {one.key: one for one in (Publication(**row) for row in rows)}
        self.locked.update(found)
        return found

    async def tombstones(self, keys: Iterable[Key]) -> dict[Key, Tombstone]:
        """What must not be sent any more."""
        rows = await self._by_key(self.store.load_tombstones, keys)
        return {(row["post_id"], row["account_id"]): Tombstone(row["revision"], row["reason"]) for row in rows}

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

    async def save_account(self, account: StoredAccount) -> None:
        """Write an account."""
        await self.connection.execute(self.store.write_account, bulk.encode([bulk.row_of(account)]))

    async def buckets(self, windows: Mapping[str, Sequence[Window]]) -> dict[str, Bucket]:
        """The reservations under these keys, locked until the commit."""
        if not windows:
            return {}
        rows = bulk.encode({"account_id": key, "reserved": "[]"} for key in sorted(windows))
        await self.connection.execute(self.store.make_reservations, rows)
        found = (await self.connection.execute(self.store.load_reservations, rows)).mappings()
        return {row["account_id"]: Bucket(windows[row["account_id"]], json.loads(row["reserved"])) for row in found}

    async def save_buckets(self, buckets: Mapping[str, Bucket]) -> None:
        """Write the reservations back."""
        rows = [{"account_id": one, "reserved": json.dumps(bucket.reserved)} for one, bucket in sorted(buckets.items())]
        if rows:
            await self.connection.execute(self.store.save_reservations, bulk.encode(rows))

    async def slot_holders(self, due_after: Mapping[str, datetime], slot_after: datetime) -> list[Publication]:
        """Posts on these accounts that wait for a later slot and are due after these instants, locked."""
        if not due_after:
            return []
        rows = bulk.encode(
            {"account_id": account_id, "not_before": due, "slot_at": slot_after}
            for account_id, due in sorted(due_after.items())
        )
        found = (await self.connection.execute(self.store.load_slot_holders, rows)).mappings()
        return [Publication(**row) for row in found]

    async def move_slots(self, moved: Sequence[Publication]) -> None:
        """Write the new slots of posts that are locked."""
        if moved:
            await self.connection.execute(self.store.move_slots, bulk.encode_records(moved))

    async def close_accounts(self, account_id: str, until: datetime, *, whole_app: bool) -> None:
        """Let nothing be sent on the account, or on all accounts of its app, until then."""
        row = {"account_id": account_id, "closed_until": until}
        await self.connection.execute(
            self.store.close_app if whole_app else self.store.close_account, bulk.encode([row])
        )

    async def save(self, changed: Iterable[Publication]) -> None:
        """Write publications that this transaction has looked for; Conflict where another replica made one since."""
        ordered = sorted(changed, key=lambda one: one.key)
        if known := [one for one in ordered if one.key in self.locked]:
            await self.connection.execute(self.store.save_publications, bulk.encode_records(known))
        if new := [one for one in ordered if one.key not in self.locked]:
            made = await self.connection.execute(self.store.make_publications, bulk.encode_records(new))
            if len(made.all()) < len(new):
                raise Conflict("another replica was the first to see a post")

    async def emit(self, envelopes: Sequence[Envelope]) -> None:
        """Write events to the outbox, in this transaction."""
        await self.store.outbox.add(self.connection, envelopes)
        self.emitted.extend(envelopes)

    async def mark_sending(self, claimed: Sequence[Publication]) -> set[str]:
        """Note that these are about to be sent; the answer has the tokens of those that still may be."""
        return await self._changed(self.store.mark_sending, map(bulk.row_of, claimed))

    async def finish(self, finished: Sequence[tuple[Publication, str]]) -> set[str]:
        """Write outcomes under the tokens they were claimed with; the answer has the tokens of those that counted."""
        rows = (bulk.row_of(publication) | {"claim_token": token} for publication, token in finished)
        return await self._changed(self.store.finish, rows)

    async def _changed(self, statement: Any, rows: Iterable[bulk.Row]) -> set[str]:
        """Run the statement; the answer has the tokens of the rows that passed its guard."""
        tokens: set[str] = set()
        for some in _each_key_once(rows):
            result = await self.connection.execute(statement, bulk.encode(some.values()))
            tokens.update(some[row.post_id, row.account_id]["claim_token"] for row in result)
        return tokens

    async def _by_key(self, statement: Any, keys: Iterable[Key]) -> Sequence[RowMapping]:
        rows = bulk.encode({"post_id": post_id, "account_id": account_id} for post_id, account_id in sorted(set(keys)))
        return (await self.connection.execute(statement, rows)).mappings().all()


class Store:
    """The publisher's database."""

    def __init__(self, database: Database, outbox_: Outbox) -> None:
        self._database = database
        dialect = database.dialect
        c = publications.c
        self.outbox = outbox_
        self.inbox = Inbox(inbox, database)
        self.load_publications = bulk.select_by_key(publications, dialect, lock=True)
        self.load_tombstones = bulk.select_by_key(tombstones, dialect)
        self.load_accounts = bulk.select_by_key(accounts, dialect)
        self.load_account_to_change = bulk.select_by_key(accounts, dialect, lock=True)
        self.write_account = bulk.upsert(accounts, dialect, guard="true")
        self.make_reservations = bulk.insert_missing(reservations, dialect)
        self.load_reservations = bulk.select_by_key(reservations, dialect, lock=True)
        self.save_reservations = bulk.update(reservations, [reservations.c.reserved], dialect)
        self.make_publications = bulk.insert_missing(publications, dialect)
        self.save_publications = bulk.upsert(publications, dialect, guard="true")
        self.mark_sending = bulk.update(
            publications,
            [c.attempts, c.lease_until, c.updated_at],
            dialect,
            compared=[c.claim_token, c.slot_at, c.not_before],
            guard=" AND ".join(("publications.state = 'claimed'", _STILL_OURS, _IN_ITS_SLOT, _IS_OPEN, _NOT_REVOKED)),
            also="state = 'sending'",
        )
        self.finish = bulk.update(
            publications,
            [c.state, c.attempts, c.not_before, c.slot_at, c.lease_until, c.platform, c.outcome, c.updated_at],
            dialect,
            compared=[c.claim_token],
            guard=f"{_STILL_OURS} OR given.state = 'published'",
            also="claim_token = NULL",
        )
        self.load_slot_holders = bulk.select_matching(
            publications,
            [c.account_id, c.not_before, c.slot_at],
            dialect,
            guard="publications.account_id = given.account_id AND publications.state IN ('claimed', 'retrying') "
            "AND publications.slot_at > given.slot_at AND publications.not_before > given.not_before",
        )
        self.move_slots = bulk.update(publications, [c.slot_at], dialect)
        self.close_account, self.close_app = _closing_statements(dialect)
        self._save_tombstone = bulk.upsert(tombstones, dialect, guard="tombstones.revision < excluded.revision")

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[Unit]:
        """A transaction; after its commit what it emitted is relayed."""
        async with self._database.transaction() as connection:
            unit = Unit(self, connection)
            yield unit
        self.outbox.relay_soon(unit.emitted)

    async def save_tombstone(self, key: Key, tombstone: Tombstone, now: datetime) -> None:
        """Remember that revisions up to this one must not be sent."""
        row = {
            "post_id": key[0],
            "account_id": key[1],
            "revision": tombstone.revision,
            "reason": tombstone.reason,
            "created_at": now,
        }
        async with self._database.transaction() as connection:
            await connection.execute(self._save_tombstone, bulk.encode([row]))

    async def account(self, account_id: str) -> StoredAccount | None:
        """One account."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(accounts).where(accounts.c.account_id == account_id))
            row = rows.mappings().one_or_none()
        return StoredAccount(**row) if row else None


def _closing_statements(dialect: str) -> tuple[Executable, Executable]:
    """To close one account, and to close all accounts of its app; never for a shorter time than they are closed."""
    open_then = "(accounts.closed_until IS NULL OR accounts.closed_until < given.closed_until)"
    one = bulk.update(accounts, [accounts.c.closed_until], dialect, guard=open_then)
    given = bulk.rows_of([accounts.c.account_id, accounts.c.closed_until], dialect)
    of_the_app = text(
        f"UPDATE accounts SET closed_until = given.closed_until FROM {given} JOIN accounts AS one "
        f"ON one.account_id = given.account_id WHERE {open_then} "
        "AND (accounts.account_id = one.account_id OR accounts.platform = one.platform AND accounts.app = one.app)"
    )
    return one, of_the_app


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
