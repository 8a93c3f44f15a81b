"""Every query of the scheduler."""

from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Executable, select

from services.scheduler.domain import KnownAccount, Schedule
from services.scheduler.due_statements import (
    any_due_statement,
    claim_statement,
    sweep_statement,
    unanswered_statement,
)
from services.scheduler.near_posts import NearKeys, NearPosts
from services.scheduler.near_posts_query import NearPostsQuery
from services.scheduler.pending import PendingRequest
from services.scheduler.rows import (
    OUTCOME,
    PENDING,
    asked_row,
    dispatched_row,
    outcome_row,
    pending_row,
    repeated_row,
    rules_in,
    schedule_in,
)
from services.scheduler.tables import (
    accounts,
    inbox,
    pending_requests,
    schedules,
    unmet_cancellations,
)
from services.scheduler.turns import take_turns_statement, turns
from shared.database import bulk
from shared.database.engine import Database
from shared.database.errors import Conflict
from shared.messaging.envelope import Envelope
from shared.messaging.inbox import Inbox
from shared.messaging.outbox import Outbox
from shared.messaging.unit_of_work import UnitOfWork, unit_of_work

CLAIM = timedelta(seconds=10)
"""How long a claimed schedule is left to its dispatcher; shorter than the horizon: a crash makes nothing late."""

Key = tuple[str, str]


class Unit(UnitOfWork["Store"]):
    """One transaction's queries; what it emits is relayed after the commit."""

    async def take_turns(self, post_ids: Iterable[str], *, cancelled: Container[str]) -> None:
        """Wait until no other replica cancels one of these posts, nor decides any request for one that is cancelled."""
        if self.store.take_turns is not None:
            await self.connection.execute(self.store.take_turns, bulk.encode(turns(post_ids, cancelled)))

    async def remember(self, inbox_ids: Iterable[str], now: datetime) -> set[str]:
        """Note the messages as taken; the answer has those that are new."""
        return await self.store.inbox.remember(self.connection, inbox_ids, now)

    async def emit_later(self, envelopes: Sequence[Envelope]) -> None:
        """Write events to the outbox, in this transaction; the caller has them relayed, when their time has come."""
        await self.store.outbox.add(self.connection, envelopes)

    async def schedules(self, keys: Iterable[Key]) -> dict[Key, Schedule]:
        """The schedules of these posts and accounts, locked until the commit."""
        rows = [{"post_id": post_id, "account_id": account_id} for post_id, account_id in sorted(set(keys))]
        return await self._schedules(self.store.load_by_key, bulk.encode(rows)) if rows else {}

    async def schedules_of(self, post_ids: Iterable[str]) -> dict[Key, Schedule]:
        """All schedules of these posts, locked until the commit."""
        wanted = sorted(set(post_ids))
        statement = select(schedules).where(schedules.c.post_id.in_(wanted)).with_for_update()
        return await self._schedules(statement, {}) if wanted else {}

    async def _schedules(self, statement: Executable, parameters: dict[str, Any]) -> dict[Key, Schedule]:
        rows = (await self.connection.execute(statement, parameters)).mappings()
        return {schedule.key: schedule for schedule in map(schedule_in, rows)}

    async def accounts(self, account_ids: Iterable[str]) -> dict[str, KnownAccount]:
        """Those of these accounts that the scheduler knows, and what it knows of them."""
        wanted = sorted(set(account_ids))
        rows = [{"account_id": account_id} for account_id in wanted]
        found = await self.connection.execute(self.store.load_accounts, bulk.encode(rows))
        return {row.account_id: KnownAccount(bool(row.connected), rules_in(row.rules)) for row in found}

    async def near_posts(self, keys: set[NearKeys], *, crowded: int) -> dict[NearKeys, NearPosts]:
        """What is near the posts with these keys, which have been saved."""
        return await self.store.near_posts_query.around(keys, self.connection, crowded=crowded)

    async def save(self, changed: Sequence[Schedule]) -> None:
        """Write new revisions; Conflict when another replica wrote the same post first."""
        if not changed:
            return
        rows = bulk.encode_records(sorted(changed, key=lambda schedule: schedule.key))
        saved = (await self.connection.execute(self.store.save, rows)).rowcount
        if saved != len(changed):
            raise Conflict(f"{len(changed) - saved} of {len(changed)} schedules were changed by another replica")

    async def save_outcomes(self, outcomes: Iterable[Schedule], now: datetime) -> None:
        """Write how far posts have come; their content and revision stay."""
        rows = [outcome_row(schedule, now) for schedule in sorted(outcomes, key=lambda one: one.key)]
        if rows:
            await self.connection.execute(self.store.save_outcomes, bulk.encode(rows))

    async def confirm(self, confirmed: Iterable[Schedule]) -> None:
        """Note when these schedules were last asked for as they are."""
        rows = [asked_row(schedule) for schedule in sorted(confirmed, key=lambda one: one.key)]
        if rows:
            await self.connection.execute(self.store.confirm, bulk.encode(rows))

    async def note_unmet(self, cancelled_at: Mapping[Key, datetime]) -> None:
        """Keep cancellations that may concern requests which have been put off."""
        rows = [{"post_id": key[0], "account_id": key[1], "asked_at": at} for key, at in sorted(cancelled_at.items())]
        if rows:
            await self.connection.execute(self.store.note_unmet, bulk.encode(rows))

    async def unmet(self, post_ids: Iterable[str]) -> dict[Key, datetime]:
        """When these posts were cancelled with nothing to cancel, by post and account."""
        rows = [{"post_id": post_id} for post_id in sorted(set(post_ids))]
        found = await self.connection.execute(self.store.load_unmet, bulk.encode(rows))
        return {(row.post_id, row.account_id): row.asked_at for row in found}

    async def queue(self, requests: Sequence[PendingRequest], queued: Sequence[Schedule]) -> None:
        """Keep requests that wait, and that these schedules have such."""
        if requests:
            await self.connection.execute(self.store.queue, bulk.encode_records(requests))
            await self.connection.execute(self.store.count_pending, bulk.encode(map(pending_row, queued)))

    async def pending(self, keys: Iterable[Key]) -> dict[Key, list[PendingRequest]]:
        """The requests that wait for these posts and accounts, in their order."""
        rows = [{"post_id": post_id, "account_id": account_id} for post_id, account_id in sorted(keys)]
        found = (await self.connection.execute(self.store.load_pending, bulk.encode(rows))).mappings()
        waiting: dict[Key, list[PendingRequest]] = {}
        for request in sorted((PendingRequest(**row) for row in found), key=lambda one: one.position):
            waiting.setdefault(request.key, []).append(request)
        return waiting

    async def forget(self, requests: Iterable[PendingRequest]) -> None:
        """Delete requests that have been decided."""
        rows = [{"post_id": one.post_id, "account_id": one.account_id, "position": one.position} for one in requests]
        await self.connection.execute(self.store.forget_pending, bulk.encode(rows))

    async def unanswered(self, *, expected_before: datetime) -> list[Schedule]:
        """Schedules whose withdrawal the publisher has not answered, locked until the commit."""
        rows = await self.connection.execute(self.store.unanswered, {"expected_before": expected_before})
        return [schedule_in(row) for row in rows.mappings()]

    async def expect_later(self, unanswered: Iterable[Schedule], now: datetime) -> None:
        """Wait for the answers to a repeated withdrawal, longer each time."""
        rows = [repeated_row(schedule, now) for schedule in sorted(unanswered, key=lambda one: one.key)]
        await self.connection.execute(self.store.expect_later, bulk.encode(rows))


class Store:
    """The scheduler's database."""

    def __init__(self, database: Database, outbox_: Outbox) -> None:
        self._database = database
        dialect, c = database.dialect, schedules.c
        self.outbox = outbox_
        self.inbox = Inbox(inbox, database)
        self.near_posts_query = NearPostsQuery(dialect)
        self.load_by_key = bulk.select_by_key(schedules, dialect, lock=True)
        self.load_accounts = bulk.select_by_key(accounts, dialect)
        self.save = bulk.upsert(schedules, dialect, guard="schedules.revision < excluded.revision")
        self.save_outcomes = bulk.update(schedules, [c[name] for name in (*OUTCOME, "updated_at")], dialect)
        self.queue = bulk.insert(pending_requests, list(pending_requests.columns), dialect)
        of_a_schedule = [pending_requests.c.post_id, pending_requests.c.account_id]
        self.load_pending = bulk.select_by_key(pending_requests, dialect, key=of_a_schedule, lock=True)
        self.forget_pending = bulk.delete_by_key(pending_requests, dialect)
        self.confirm = bulk.update(schedules, [c.asked_at], dialect)
        self.note_unmet = bulk.upsert(
            unmet_cancellations, dialect, guard="unmet_cancellations.asked_at < excluded.asked_at"
        )
        self.load_unmet = bulk.select_by_key(unmet_cancellations, dialect, key=[unmet_cancellations.c.post_id])
        self.take_turns = take_turns_statement(dialect)
        self.count_pending = bulk.update(schedules, [c[name] for name in PENDING], dialect)
        self.expect_later = bulk.update(schedules, [c.sweeps, c.outcome_expected_at], dialect)
        self.unanswered = unanswered_statement()
        self._save_account = bulk.upsert(accounts, dialect, guard="accounts.changed_at <= excluded.changed_at")
        self._dispatched = _update_of_revision(
            c.outcome_expected_at, dialect, "state = 'scheduled'", also="state = 'dispatched', claimed_until = NULL"
        )
        self._shorten_claim = _update_of_revision(c.claimed_until, dialect, "claimed_until IS NOT NULL")
        self._expect_by = _update_of_revision(c.outcome_expected_at, dialect, "state = 'dispatched'")
        self._any_due = any_due_statement()
        self._claim = claim_statement()
        self._sweep = sweep_statement()

    def unit(self) -> AbstractAsyncContextManager[Unit]:
        """A transaction; after its commit what it emitted is relayed."""
        return unit_of_work(lambda connection: Unit(self, connection), self._database, self.outbox)

    async def save_account(self, account_id: str, platform: str, account: KnownAccount, changed_at: datetime) -> None:
        """Learn what has become of an account; older news changes nothing."""
        row = {
            "account_id": account_id,
            "platform": platform,
            "connected": account.connected,
            "changed_at": changed_at,
            "rules": account.rules.model_dump_json(exclude_defaults=True) if account.rules else None,
        }
        await self._database.write(self._save_account, bulk.encode([row]))

    async def claim_due(self, *, due_before: datetime, now: datetime, most: int) -> list[Schedule]:
        """Claim schedules due before an instant, earliest first; no two dispatchers get the same."""
        due = {"due_before": due_before, "now": now, "beyond": now + 2 * CLAIM}
        if not await self._database.rows(self._any_due, due):
            return []
        async with self._database.transaction() as connection:
            rows = (await connection.execute(self._claim, due | {"until": now + CLAIM, "most": most})).mappings()
            return sorted(map(schedule_in, rows), key=lambda schedule: schedule.publish_at)

    async def mark_dispatched(self, confirmed: Sequence[Schedule], now: datetime) -> None:
        """Note that the broker has the messages; what was changed meanwhile stays as it is."""
        rows = [dispatched_row(schedule, now) for schedule in sorted(confirmed, key=lambda one: one.key)]
        await self._database.write(self._dispatched, bulk.encode(rows))

    async def give_back(self, unconfirmed: Sequence[Schedule], *, until: datetime) -> None:
        """Shorten claims: the broker did not take the messages, and what is due soon cannot wait that long."""
        rows = [
            {"post_id": one.post_id, "account_id": one.account_id, "claimed_until": until, "revision": one.revision}
            for one in sorted(unconfirmed, key=lambda one: one.key)
        ]
        await self._database.write(self._shorten_claim, bulk.encode(rows))

    async def expect_by(self, expected_at: datetime, dispatched: Iterable[tuple[Key, int]]) -> None:
        """Expect an outcome of these revisions by then, where nothing has been heard of them since the dispatch."""
        rows = [
            {"post_id": key[0], "account_id": key[1], "outcome_expected_at": expected_at, "revision": revision}
            for key, revision in sorted(dispatched)
        ]
        await self._database.write(self._expect_by, bulk.encode(rows))

    async def sweep(self, *, expected_before: datetime, now: datetime) -> int:
        """Make schedules without an outcome due again; how many there were."""
        async with self._database.transaction() as connection:
            result = await connection.execute(self._sweep, {"expected_before": expected_before, "now": now})
            return len(result.all())


def _update_of_revision(column: Column[Any], dialect: str, guard: str, *, also: str = "") -> Executable:
    """Set a column of schedules that are still at the revision given, and of which the guard holds."""
    same = f"schedules.revision = given.revision AND schedules.{guard}"
    return bulk.update(schedules, [column], dialect, compared=[schedules.c.revision], guard=same, also=also)
