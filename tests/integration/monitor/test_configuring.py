"""Workspaces as they are configured: kept whole, the later one winning, or refused with what is wrong."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from services.monitor.app import MIGRATIONS
from services.monitor.store import workspace_of
from services.monitor.tables import metadata
from shared.database.migrations import migrate
from shared.events.requests import WorkspaceConfigured
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import Park
from shared.secrets.sealing import SealingKey, seal
from tests.support.monitoring import NOON, Monitor, a_tick


async def phrases(monitor: Monitor) -> Iterator[str]:
    (row,) = await monitor.store.enabled()
    return (keyword.phrase for keyword in workspace_of(row).keywords)


async def test_a_workspace_is_replaced_whole(monitor: Monitor) -> None:
    await monitor.configure(targets=["json://example.org/x"], digest={"at": "09:00", "zone": "UTC"})

    await monitor.configure(keywords=[{"phrase": "clock"}])

    (row,) = await monitor.store.enabled()
    workspace = workspace_of(row)
    assert [keyword.phrase for keyword in workspace.keywords] == ["clock"]
    assert (workspace.target_ids, workspace.digest) == ((), None)


async def test_an_older_message_does_not_undo_a_newer_one(monitor: Monitor) -> None:
    await monitor.configure(keywords=[{"phrase": "new"}], configured_at=NOON.isoformat())

    await monitor.configure(keywords=[{"phrase": "old"}], configured_at=(NOON - timedelta(seconds=1)).isoformat())

    assert list(await phrases(monitor)) == ["new"]


async def test_a_message_delivered_again_does_not_undo_a_newer_one(monitor: Monitor) -> None:
    keywords = [{"phrase": "old"}]
    body = {"workspace_id": "w", "monitoring_enabled": True, "subreddits": ["sailing"], "keywords": keywords}
    old = Delivery(WorkspaceConfigured.model_validate_json(json.dumps(body)), "the-same", "c")
    await monitor.handlers.on_workspace_configured(old)
    await monitor.configure(keywords=[{"phrase": "new"}])

    await monitor.handlers.on_workspace_configured(old)

    assert list(await phrases(monitor)) == ["new"]


async def test_a_workspace_turned_off_is_not_watched(monitor: Monitor) -> None:
    await monitor.configure()

    await monitor.configure(monitoring_enabled=False, subreddits=[], keywords=[])

    assert await monitor.store.enabled() == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"subreddits": ["r:sailing"]}, "subreddits: 'r:sailing'"),
        ({"subreddits": ["all"]}, "feed of many"),
        ({"subreddits": []}, "subreddits: none is named"),
        ({"keywords": []}, "keywords: none is named"),
        ({"keywords": [{"phrase": "(", "match": "regex"}]}, "regular expression"),
        ({"keywords": [{"phrase": "x", "exclude": ["y"] * 51}]}, "exclude"),
        ({"subreddits": [f"sub{n}" for n in range(501)]}, "too many"),
        ({"digest": {"at": "09:00", "zone": "Mars/Olympus"}}, "digest.zone: unknown time zone 'Mars/Olympus'"),
        ({"notify": "digest"}, "notify: 'digest' needs a digest"),
        ({"targets": ["nonsense"]}, r"sealed_notify[0]: not an Apprise URL"),
        ({"targets": ["json://example.org", "syslog://"]}, "sealed_notify[1]: syslog://"),
        ({"sealed_notify": "bm9uc2Vuc2U="}, "sealed_notify: the value was sealed for another key"),
        ({"sealed_notify": seal({}, SealingKey.generate().public_key)}, "timeball keys"),
    ],
)
async def test_what_cannot_be_watched_is_parked_with_the_field(
    light_monitor: Monitor, wrong: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Park) as raised:
        await light_monitor.configure(**wrong)

    assert reason in raised.value.reason
    assert raised.value.reason.startswith("workspace 'w': ")
    assert await light_monitor.store.enabled() == []


@pytest.mark.parametrize("target", ["tgram://bot-s3cret", "mailto://user:s3cret@", "nothing://s3cret@x"])
async def test_a_refused_target_is_not_quoted(light_monitor: Monitor, target: str) -> None:
    with pytest.raises(Park) as raised:
        await light_monitor.configure(targets=[target])

    assert "s3cret" not in raised.value.reason


async def test_a_timer_runs_its_job_and_the_run_is_told_of(monitor: Monitor) -> None:
    await monitor.configure()

    for timer in ("monitor.check", "digest.send", "retention.purge"):
        await monitor.handlers.on_timer_fired(Delivery(a_tick(timer, NOON), timer, "c"))

    assert [one["job"] for one in await monitor.told("job.succeeded")] == ["monitor.check", "digest.send"]


async def test_a_job_that_fails_says_why(light_monitor: Monitor) -> None:
    await light_monitor.configure()
    light_monitor.network.close("sailing")

    await light_monitor.handlers.on_timer_fired(Delivery(a_tick("monitor.check", NOON), "m", "c"))

    ((job, error),) = [(one["job"], one["error"]) for one in await light_monitor.told("job.failed")]
    assert job == "monitor.check"
    assert "nothing could be read: it is private (403)" in error


async def test_the_migrations_make_the_tables_the_code_expects(database_url: str) -> None:
    await migrate(database_url, MIGRATIONS)
    engine = create_async_engine(database_url)

    async with engine.connect() as connection:
        differences = await connection.run_sync(lambda one: compare_metadata(MigrationContext.configure(one), metadata))
    await engine.dispose()

    assert list(differences) == []
