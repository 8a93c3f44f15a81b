"""What becomes of publications that were kept before attempts were: what may be out stays in doubt."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from services.publisher.app import MIGRATIONS
from services.publisher.domain import Publication
from services.publisher.sending.evidence import Attempt, Evidence, Standing, standing
from services.publisher.sending.taking import take
from services.publisher.store import Store
from services.publisher.withdrawing import withdraw
from shared.database.engine import as_text
from shared.database.migrations import migrate
from shared.events.progress import State
from shared.events.scheduler import PublishWithdrawRequested
from tests.integration.publisher.conftest import a_store
from tests.support.publications import NOON, SECOND, delivered, requested

BEFORE_ATTEMPTS = "0004"
LATER = NOON + 60 * SECOND


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, BEFORE_ATTEMPTS)


def _instant(connection: Connection, after: timedelta) -> Any:
    """An instant as that schema keeps it."""
    at = NOON + after
    return at if connection.dialect.name == "postgresql" else as_text(at)


def _write(connection: Connection, rows: list[dict[str, Any]]) -> None:
    usual = {
        "account_id": "account", "revision": 1, "attempts": 0, "attempts_allowed": 3, "platform": "webhook",
        "outcome": None, "claim_token": None, "correlation_id": "c", "request": requested().body().decode(),
        "publish_at": _instant(connection, timedelta(0)), "not_before": _instant(connection, 5 * SECOND),
        "updated_at": _instant(connection, SECOND), "lease_until": None,
    }  # fmt: skip
    for row in rows:
        whole = usual | row
        if whole["lease_until"] is not None:
            whole["lease_until"] = _instant(connection, whole["lease_until"])
        names = ", ".join(whole)
        values = ", ".join(f":{name}" for name in whole)
        connection.execute(text(f"INSERT INTO publications ({names}) VALUES ({values})"), whole)


def _stop(connection: Connection, post_id: str, revision: int, reason: str) -> None:
    row = {"post_id": post_id, "revision": revision, "reason": reason, "at": _instant(connection, timedelta(0))}
    connection.execute(
        text(
            "INSERT INTO tombstones (post_id, account_id, revision, reason, created_at) "
            "VALUES (:post_id, 'account', :revision, :reason, :at)"
        ),
        row,
    )


ROWS: list[dict[str, Any]] = [
    {"post_id": "claimed", "state": "claimed", "claim_token": "x"},
    {"post_id": "sending", "state": "sending", "attempts": 1, "claim_token": "x", "lease_until": 30 * SECOND},
    {"post_id": "retrying on webhook", "state": "retrying", "attempts": 2},
    {"post_id": "retrying on x", "state": "retrying", "attempts": 2, "platform": "x"},
    {"post_id": "not tried", "state": "retrying"},
    {"post_id": "unknown", "state": "unknown", "attempts": 1, "outcome": "{}"},
    {"post_id": "published", "state": "published", "attempts": 1, "outcome": "{}"},
    {"post_id": "failed", "state": "failed", "attempts": 3, "outcome": "{}"},
    {"post_id": "held", "state": "held", "outcome": "{}"},
    {"post_id": "skipped", "state": "skipped", "outcome": "{}"},
    {"post_id": "asked again", "state": "retrying", "attempts": 3, "attempts_allowed": 6, "platform": "x"},
    {"post_id": "cancelled while it waits", "state": "retrying", "platform": "x"},
    {"post_id": "edited, the new one waits", "state": "retrying", "revision": 2, "platform": "x"},
]


@pytest.fixture
async def migrated(database_url: str) -> AsyncIterator[Store]:
    """A store over a database of before, brought up to date."""
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)
    async with engine.begin() as connection:
        await connection.run_sync(_write, ROWS)
        await connection.run_sync(_stop, "cancelled while it waits", 1, "cancelled")
        await connection.run_sync(_stop, "edited, the new one waits", 1, "superseded")
        await connection.run_sync(_stop, "never seen", 3, "superseded")
    await engine.dispose()
    await migrate(database_url, MIGRATIONS)
    async with a_store(database_url) as store:
        yield store


async def found(store: Store, post_id: str) -> tuple[Publication, tuple[Attempt, ...]]:
    key = post_id, "account"
    async with store.unit() as unit:
        return (await unit.publications([key]))[key], (await unit.attempts([key])).get(key, ())


EXPECTED = [
    ("claimed", "retrying", Standing.NOTHING_OUT),
    ("sending", "retrying", Standing.IN_DOUBT),
    ("retrying on webhook", "retrying", Standing.IN_DOUBT),
    ("retrying on x", "retrying", Standing.NOTHING_OUT),
    ("not tried", "retrying", Standing.NOTHING_OUT),
    ("unknown", "unknown", Standing.IN_DOUBT),
    ("published", "published", Standing.NOTHING_OUT),
    ("failed", "failed", Standing.NOTHING_OUT),
    ("held", "held", Standing.NOTHING_OUT),
    ("skipped", "skipped", Standing.NOTHING_OUT),
    ("asked again", "retrying", Standing.NOTHING_OUT),
    ("cancelled while it waits", "retrying", Standing.NOTHING_OUT),
    ("edited, the new one waits", "retrying", Standing.NOTHING_OUT),
    ("never seen", "skipped", Standing.NOTHING_OUT),
]


async def test_every_publication_of_before_becomes_what_is_true_of_it(migrated: Store) -> None:
    async with migrated.unit() as unit:
        rows = (await unit.connection.execute(text("SELECT count(*) FROM publications"))).scalar_one()

    states = []
    for post_id, _, _ in EXPECTED:
        kept, attempts = await found(migrated, post_id)
        states.append((post_id, kept.state, standing(attempts, LATER)))
        assert (kept.claim_token, kept.waits) == (None, 0)

    assert states == EXPECTED
    assert rows == len(EXPECTED)


@pytest.mark.parametrize("post_id", ["sending", "retrying on webhook", "unknown", "published"])
async def test_no_newer_revision_goes_past_what_may_be_out(migrated: Store, post_id: str) -> None:
    kept, attempts = await found(migrated, post_id)

    assert not take(delivered(requested(post_id, revision=2)), kept, attempts, LATER).changed


@pytest.mark.parametrize("post_id", ["claimed", "sending", "retrying on webhook", "retrying on x", "not tried"])
async def test_what_is_not_settled_goes_on(migrated: Store, post_id: str) -> None:
    kept, attempts = await found(migrated, post_id)

    assert take(delivered(requested(post_id)), kept, attempts, LATER).changed


async def test_what_was_being_sent_keeps_its_number_and_its_lease(migrated: Store) -> None:
    kept, (attempt,) = await found(migrated, "sending")

    assert (attempt.number, attempt.revision, attempt.evidence) == (1, 1, Evidence.UNKNOWN)
    assert attempt.lease_until == NOON + 30 * SECOND
    assert kept.tries == 1


async def test_a_post_that_a_person_asked_for_again_keeps_its_new_set_of_tries(migrated: Store) -> None:
    kept, _ = await found(migrated, "asked again")

    assert (kept.tries, kept.tries_before, kept.due_at) == (3, 3, NOON + 5 * SECOND)


async def test_others_are_late_from_their_due_instant(migrated: Store) -> None:
    kept, _ = await found(migrated, "retrying on x")

    assert (kept.tries, kept.tries_before, kept.due_at) == (2, 0, NOON)


@pytest.mark.parametrize(
    ("post_id", "withdrawn", "reason"),
    [
        ("cancelled while it waits", 1, "cancelled"),
        ("edited, the new one waits", 1, "superseded"),
        ("never seen", 3, "superseded"),
        ("not tried", 0, None),
    ],
)
async def test_what_was_stopped_stays_stopped(migrated: Store, post_id: str, withdrawn: int, reason: Any) -> None:
    kept, _ = await found(migrated, post_id)

    assert (kept.withdrawn, kept.withdrawn_because) == (withdrawn, reason)
    assert kept.is_withdrawn == (withdrawn >= kept.revision)


async def test_a_request_that_was_stopped_before_it_came_is_not_taken(migrated: Store) -> None:
    kept, attempts = await found(migrated, "never seen")

    assert not take(delivered(requested("never seen", revision=3)), kept, attempts, LATER).changed
    assert take(delivered(requested("never seen", revision=4)), kept, attempts, LATER).changed


async def test_what_may_be_out_cannot_be_withdrawn(migrated: Store) -> None:
    for post_id in ("sending", "retrying on webhook"):
        kept, attempts = await found(migrated, post_id)
        asked = PublishWithdrawRequested(post_id=post_id, account_id="account", revision=1, reason="cancelled")

        answer = withdraw(asked, kept, attempts, LATER)

        assert [(fact.type, getattr(fact, "in_doubt", None)) for fact in answer.told] == [("publish.retrying", True)]
        assert kept.state == State.RETRYING
