"""What each service deletes once it is old, in its own tables as its migrations make them."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Executable, Table, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

import services.console.app
import services.console.retention
import services.maintenance.app
import services.maintenance.retention
import services.monitor.app
import services.monitor.retention
import services.publisher.app
import services.publisher.retention
import services.scheduler.app
import services.scheduler.retention
from services.console.tables import core as console
from services.monitor import tables as monitor
from services.monitor.domain import State as NotificationState
from services.publisher import tables as publisher
from services.publisher.domain import StoredAccount
from services.publisher.retention import KeyRetention
from services.publisher.sending.claiming import Claims
from services.publisher.sending.evidence import Evidence
from services.publisher.sending.next_step import next_step
from services.publisher.sending.steps import Prepare, Settle
from services.publisher.store import Store
from services.scheduler import tables as scheduler
from shared.database.bulk import row_of
from shared.database.engine import Database
from shared.database.purging import Purge, deleting, finding
from shared.events.maintenance import RetentionPurgeRequested
from shared.events.progress import State
from shared.events.publisher import PublishHeld
from shared.events.requests import LatePolicy
from shared.jobs.retention import Retention
from shared.messaging.envelope import Delivery
from shared.messaging.outbox import Outbox
from shared.secrets.vault import Vault
from tests.fakes.clock import FakeClock
from tests.fakes.platform import FakePlatform
from tests.fakes.publisher import RecordingPublisher
from tests.support.migrated import migrated
from tests.support.publications import a_publication, an_attempt, delivered, requested
from tests.support.schedules import schedule

NOW = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=40)
ASKED = RetentionPurgeRequested(before=NOW - timedelta(days=7), keep_succeeded=0, keep_failed=0)
OPEN_TO_THE_SCHEDULER = ("scheduled", "dispatched", "retrying", "held", "unknown")
OPEN_TO_THE_PUBLISHER = ("claimed", "sending", "retrying", "held", "unknown")
SERVICES = {
    "scheduler": (services.scheduler.app.MIGRATIONS, services.scheduler.retention.RULES),
    "publisher": (services.publisher.app.MIGRATIONS, services.publisher.retention.RULES),
    "monitor": (services.monitor.app.MIGRATIONS, services.monitor.retention.RULES),
    "maintenance": (services.maintenance.app.MIGRATIONS, services.maintenance.retention.RULES),
    "console": (services.console.app.MIGRATIONS, services.console.retention.RULES),
}


@asynccontextmanager
async def a_database(url: str, migrations: Path) -> AsyncIterator[Database]:
    await migrated(url, migrations)
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


async def write(database: Database, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    async with database.transaction() as connection:
        await connection.execute(insert(table), list(rows))


def as_row(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in row_of(record)}


async def left(database: Database, table: Table, column: str) -> set[Any]:
    async with database.reading() as connection:
        return set((await connection.execute(select(table.c[column]))).scalars())


def a_purge(database: Database) -> Purge:
    return Purge(database, FakeClock(NOW), asyncio.Event())


async def test_the_scheduler_keeps_posts_that_are_still_to_come(database_url: str) -> None:
    migrations, rules = SERVICES["scheduler"]
    async with a_database(database_url, migrations) as database:
        old = as_row(schedule(updated_at=LONG_AGO))
        states = [state for state in State if state is not State.SENDING]
        await write(database, scheduler.schedules, [old | {"post_id": state, "state": state} for state in states])
        await write(database, scheduler.inbox, [
            {"message_id": "old", "received_at": LONG_AGO},
            {"message_id": "may come again", "received_at": NOW - timedelta(days=27)},
        ])  # fmt: skip

        rows = await a_purge(database).run(rules, ASKED)

        assert rows == 5
        assert await left(database, scheduler.schedules, "state") == set(OPEN_TO_THE_SCHEDULER)
        assert await left(database, scheduler.inbox, "message_id") == {"may come again"}


async def test_the_publisher_keeps_keys_a_day_longer_and_what_is_pending_for_ever(database_url: str) -> None:
    migrations, rules = SERVICES["publisher"]
    a_day_less = {"post_id": "a day less", "state": "published", "updated_at": NOW - timedelta(days=7.5)}
    async with a_database(database_url, migrations) as database:
        old = as_row(a_publication(updated_at=LONG_AGO, publish_at=LONG_AGO))
        states = (*OPEN_TO_THE_PUBLISHER, "published", "failed", "skipped")
        await write(database, publisher.publications, [old | {"post_id": state, "state": state} for state in states])
        await write(database, publisher.publications, [old | a_day_less])
        await write(database, publisher.attempts, [
            as_row(an_attempt(evidence, post_id=f"{evidence} {age}", lease_until=lease_until))
            for evidence in Evidence
            for age, lease_until in {"old": LONG_AGO, "new": NOW - timedelta(days=7.5)}.items()
        ])  # fmt: skip

        rows = await a_purge(database).run(rules, ASKED)

        assert rows == 3 + 4
        assert await left(database, publisher.publications, "post_id") == {*OPEN_TO_THE_PUBLISHER, "a day less"}
        kept = {f"{evidence} new" for evidence in Evidence} | {"open old", "unknown old"}
        assert await left(database, publisher.attempts, "post_id") == kept


async def test_a_request_for_a_post_whose_key_is_gone_is_held_not_sent_again(database_url: str) -> None:
    """Out of a dead letter that somebody replays after weeks, with a policy that would take it however late."""
    migrations, rules = SERVICES["publisher"]
    clock, vault = FakeClock(NOW), Vault.from_keys(Fernet.generate_key().decode())
    async with a_database(database_url, migrations) as database:
        store = Store(database, Outbox(publisher.outbox, database, RecordingPublisher(clock), clock))
        claims = Claims(store, clock, {"fake": FakePlatform()}, vault)
        published = a_publication(state="published", publish_at=LONG_AGO, updated_at=LONG_AGO)
        async with store.unit() as unit:
            await unit.save_account(StoredAccount("account", "fake", "{}", vault.encrypt({}), "{}", True, NOW))
            await unit.save([published])
        retention = Retention("publisher", a_purge(database), rules, RecordingPublisher(clock))

        await KeyRetention(database, retention).on_retention_purge_requested(Delivery(ASKED, "m", "c"))

        whenever = LatePolicy(grace_seconds=365 * 86400)
        again = await claims.claim(delivered(requested(publish_at=LONG_AGO, late_policy=whenever)))
        late = requested("late", publish_at=NOW - timedelta(days=7), late_policy=whenever)
        never_sent = await claims.claim(delivered(late, token="other"))

    step = next_step(again, NOW)
    assert isinstance(step, Settle)
    (told,) = step.outcome.told
    assert isinstance(told, PublishHeld)
    assert "see on the platform whether it was published" in told.reason
    assert next_step(never_sent, NOW) == Prepare()


async def test_the_console_keeps_what_is_asked_for_until_it_has_come_to_its_end(database_url: str) -> None:
    migrations, rules = SERVICES["console"]
    post = {
        "account_id": "a", "revision": 1, "attempts": 0, "due_at": LONG_AGO, "updated_at": LONG_AGO, "version": 1,
    }  # fmt: skip
    async with a_database(database_url, migrations) as database:
        for state in ("published", "scheduled"):
            await write(database, console.posts, [post | {"post_id": state, "state": state, "request_id": state}])
            draft = {"request_id": state, "post_id": state, "position": 0, "body": "{}", "seen_at": LONG_AGO}
            await write(database, console.drafts, [draft])
        link = {"account_id": "a", "platform": "sandbox", "settings": "{}", "seen_at": LONG_AGO}
        await write(database, console.connections, [link | {"request_id": one} for one in ("now", "before")])
        account = {"account_id": "a", "request_id": "now", "updated_at": LONG_AGO, "version": 1}
        await write(database, console.accounts, [account])
        refusal = {"message_id": "m", "position": 0, "post_id": "p", "code": "invalid", "reason": "r"}
        await write(database, console.rejections, [refusal | {"seen_at": LONG_AGO}])

        rows = await a_purge(database).run(rules, ASKED)

        assert rows == 4
        assert await left(database, console.posts, "post_id") == {"scheduled"}
        assert await left(database, console.drafts, "post_id") == {"scheduled"}
        assert await left(database, console.connections, "request_id") == {"now"}
        assert await left(database, console.rejections, "post_id") == set()


async def test_the_monitor_keeps_mentions_that_a_digest_waits_for(database_url: str) -> None:
    migrations, rules = SERVICES["monitor"]
    text_columns = ("kind", "subreddit", "title", "excerpt", "url", "author", "phrases")
    mention = dict.fromkeys(text_columns, "x") | {"created_at": LONG_AGO, "found_at": LONG_AGO}
    workspace: dict[str, Any] = dict.fromkeys(("subreddits", "keywords", "targets", "target_ids"), "[]")
    workspace |= {"enabled": True, "tells_at_once": False, "updated_at": LONG_AGO}
    daily, at_once = {"workspace_id": "daily"}, {"workspace_id": "at once"}
    async with a_database(database_url, migrations) as database:
        await write(database, monitor.workspaces, [workspace | daily | {"digest": "{}"}])
        await write(database, monitor.workspaces, [workspace | at_once | {"digest": None}])
        await write(database, monitor.mentions, [mention | daily | {"item_id": "told", "day": "2027-02-16"}])
        await write(database, monitor.mentions, [mention | daily | {"item_id": "waits", "day": None}])
        just_told = {"item_id": "in the digest that is being sent", "day": f"{NOW:%Y-%m-%d}"}
        await write(database, monitor.mentions, [mention | daily | just_told])
        await write(database, monitor.mentions, [mention | at_once | {"item_id": "alone", "day": None}])

        rows = await a_purge(database).run(rules, ASKED)

        assert rows == 2
        assert await left(database, monitor.mentions, "item_id") == {"waits", just_told["item_id"]}


async def test_the_monitor_keeps_requests_for_ever_only_of_workspaces_that_are_there(database_url: str) -> None:
    migrations, rules = SERVICES["monitor"]
    workspace: dict[str, Any] = dict.fromkeys(("subreddits", "keywords", "targets", "target_ids"), "[]")
    workspace |= {"enabled": True, "tells_at_once": False, "updated_at": LONG_AGO}
    async with a_database(database_url, migrations) as database:
        await write(database, monitor.workspaces, [workspace | {"workspace_id": "there"}])
        for name, at in (("there", LONG_AGO), ("gone", LONG_AGO), ("just gone", NOW - timedelta(days=20))):
            await write(database, monitor.workspace_requests, [{"workspace_id": name, "decided_at": at}])

        await a_purge(database).run(rules, ASKED)

        assert await left(database, monitor.workspace_requests, "workspace_id") == {"there", "just gone"}


async def test_the_monitor_keeps_no_notification_for_ever(database_url: str) -> None:
    migrations, rules = SERVICES["monitor"]
    usual = {"workspace_id": "w", "target_id": "t", "part": 1, "attempts": 1}
    async with a_database(database_url, migrations) as database:
        for state in NotificationState:
            for age, at in (("old", LONG_AGO), ("new", NOW)):
                row = usual | {"delivery_id": f"{state} {age}", "state": state, "updated_at": at}
                await write(database, monitor.deliveries, [row])

        await a_purge(database).run(rules, ASKED)

        assert await left(database, monitor.deliveries, "delivery_id") == {
            f"{state} new" for state in NotificationState
        }


@pytest.mark.parametrize("service", SERVICES)
async def test_old_rows_are_found_by_an_index(service: str, sqlite_url: str) -> None:
    migrations, rules = SERVICES[service]
    async with a_database(sqlite_url, migrations) as database, database.reading() as connection:
        for rule in rules:
            steps = await steps_of(connection, finding(rule, "sqlite"))

            assert re.match(f"SEARCH {rule.table.name} USING (COVERING )?INDEX", steps[0]), (rule.where, steps)
            assert not [step for step in steps if "TEMP B-TREE" in step]


@pytest.mark.parametrize("service", SERVICES)
async def test_old_rows_are_deleted_by_their_own_numbers(service: str, sqlite_url: str) -> None:
    """By age, each transaction would read all that is old: with a million rows, ten went in half a second."""
    migrations, rules = SERVICES[service]
    async with a_database(sqlite_url, migrations) as database, database.reading() as connection:
        for rule in rules:
            steps = await steps_of(connection, deleting(rule, "sqlite"))

            assert steps[0] == f"SEARCH {rule.table.name} USING INTEGER PRIMARY KEY (rowid=?)", (rule.where, steps)


async def steps_of(connection: AsyncConnection, statement: Executable) -> list[str]:
    """How SQLite would go about a statement."""
    values = {"since": "1970", "before": "2027", "most": 100, "ids": "[1]"}
    plan = await connection.execute(text(f"EXPLAIN QUERY PLAN {statement}"), values)
    return [row[3] for row in plan]


async def test_what_was_deleted_is_told(database_url: str) -> None:
    migrations, rules = SERVICES["scheduler"]
    recording = RecordingPublisher(FakeClock(NOW))
    async with a_database(database_url, migrations) as database:
        await write(database, scheduler.inbox, [{"message_id": "old", "received_at": LONG_AGO}])
        retention = Retention("scheduler", a_purge(database), rules, recording)

        await retention.on_retention_purge_requested(Delivery(ASKED, "m", "correlation"))

    assert recording.last().envelope.body == b'{"service":"scheduler","rows":1}'
    assert recording.last().envelope.correlation_id == "correlation"
