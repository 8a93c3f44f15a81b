"""Workspaces as they are configured: kept whole, the later one winning, or refused with what is wrong."""

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.monitor.app import MIGRATIONS
from services.monitor.store import workspace_of
from services.monitor.tables import metadata
from shared.database.migrations import migrate
from shared.events.requests import WorkspaceConfigured
from shared.messaging.envelope import Delivery, UnreadableEvent, read_event
from shared.secrets.sealing import SealingKey, seal
from tests.support.monitoring import NOON, Monitor, a_tick
from tests.support.waiting import PATIENCE


async def phrases(monitor: Monitor) -> Iterator[str]:
    (row,) = await monitor.store.enabled()
    return (keyword.phrase for keyword in workspace_of(row).keywords)


async def test_a_workspace_is_replaced_whole(monitor: Monitor) -> None:
    await monitor.configure(targets=["json://example.org/x"], digest={"at": "09:00", "zone": "UTC"})

    await monitor.configure(keywords=[{"phrase": "clock"}])

    (row,) = await monitor.store.enabled()
    workspace = workspace_of(row)
    assert [keyword.phrase for keyword in workspace.keywords] == ["clock"]
    assert workspace.target_ids == ()
    assert await monitor.store.with_digest() == []


async def test_targets_stay_where_that_is_asked_for(monitor: Monitor) -> None:
    await monitor.configure(targets=["json://example.org/x"])
    before = await monitor.store.targets("w")

    await monitor.configure(keywords=[{"phrase": "clock"}], keep_notify=True)

    assert before is not None
    assert await monitor.store.targets("w") == before
    assert list(await phrases(monitor)) == ["clock"]


async def test_targets_cannot_both_stay_and_be_new(monitor: Monitor) -> None:
    await monitor.configure(targets=["json://example.org/x"], keep_notify=True)

    (rejected,) = await monitor.told("workspace.rejected")
    assert rejected["reason"].startswith("keep_notify: ")


async def test_an_older_message_does_not_undo_a_newer_one(monitor: Monitor) -> None:
    await monitor.configure(keywords=[{"phrase": "new"}], configured_at=NOON.isoformat())

    await monitor.configure(keywords=[{"phrase": "old"}], configured_at=(NOON - timedelta(seconds=1)).isoformat())

    assert list(await phrases(monitor)) == ["new"]


async def test_a_clock_that_was_ahead_keeps_nobody_from_configuring_a_workspace(monitor: Monitor) -> None:
    await monitor.configure(keywords=[{"phrase": "ahead"}], configured_at=(NOON + timedelta(hours=1)).isoformat())
    monitor.clock.advance(timedelta(minutes=1))

    await monitor.configure(keywords=[{"phrase": "now"}], configured_at=(NOON + timedelta(minutes=1)).isoformat())

    assert list(await phrases(monitor)) == ["now"]


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
async def test_what_cannot_be_watched_is_answered_with_the_field(
    light_monitor: Monitor, wrong: dict[str, Any], reason: str
) -> None:
    await light_monitor.configure(**wrong)

    (rejected,) = await light_monitor.told("workspace.rejected")
    assert rejected["workspace_id"] == "w"
    assert reason in rejected["reason"]
    assert await light_monitor.told("workspace.accepted") == []
    assert await light_monitor.store.enabled() == []


async def test_a_workspace_that_is_watched_is_answered_once(monitor: Monitor) -> None:
    body = {"workspace_id": "w", "monitoring_enabled": False, "subreddits": [], "keywords": []}
    asked = Delivery(WorkspaceConfigured.model_validate_json(json.dumps(body)), "the-same", "c")

    await monitor.handlers.on_workspace_configured(asked)
    await monitor.handlers.on_workspace_configured(asked)

    assert len(await monitor.told("workspace.accepted")) == 1


async def test_a_refused_change_leaves_the_workspace_as_it_was(monitor: Monitor) -> None:
    await monitor.configure()

    await monitor.configure(keywords=[{"phrase": "(", "match": "regex"}])

    assert list(await phrases(monitor)) == ["time ball"]


async def test_a_request_that_comes_late_is_answered(light_monitor: Monitor) -> None:
    await light_monitor.configure(configured_at=NOON.isoformat())

    await light_monitor.configure(configured_at=(NOON - timedelta(seconds=1)).isoformat())

    (rejected,) = await light_monitor.told("workspace.rejected")
    assert "configured anew" in rejected["reason"]


@pytest.mark.parametrize(
    ("body", "answered"),
    [
        ({"workspace_id": "w", "subreddits": "sailing"}, ["w"]),
        ({"workspace_id": "w", "requested_at": "now"}, ["w"]),
        ({"workspace_id": "w" * 201}, []),
        ({"workspace_id": 7}, []),
        ([], []),
        (None, []),
    ],
)
async def test_a_workspace_that_is_no_event_is_answered_where_it_names_itself(
    light_monitor: Monitor, body: Any, answered: list[str]
) -> None:
    is_removal = isinstance(body, dict) and "requested_at" in body
    with pytest.raises(UnreadableEvent) as raised:
        read_event("workspace.remove_requested" if is_removal else "workspace.configured", json.dumps(body).encode())

    is_answered = await light_monitor.handlers.on_unreadable(raised.value, "c")

    assert is_answered == bool(answered)
    assert [one["workspace_id"] for one in await light_monitor.told("workspace.rejected")] == answered


async def test_too_many_keywords_are_counted_before_any_is_compiled(light_monitor: Monitor) -> None:
    """Those who flood it with patterns cost it a count."""
    await light_monitor.configure(keywords=[{"phrase": "(", "match": "regex"}] * 1001)

    (rejected,) = await light_monitor.told("workspace.rejected")
    assert "1,001 are too many" in rejected["reason"]


async def test_patterns_are_compiled_off_the_event_loop_and_outside_of_transactions(light_monitor: Monitor) -> None:
    """While a target is checked another one may write, which SQLite allows one transaction at a time."""
    loop, threads = asyncio.get_running_loop(), list[threading.Thread]()

    async def write() -> None:
        async with light_monitor.store.unit() as unit:
            await unit.remember("another", NOON)

    def check(url: str) -> None:
        threads.append(threading.current_thread())
        asyncio.run_coroutine_threadsafe(write(), loop).result(timeout=PATIENCE)

    light_monitor.handlers = replace(light_monitor.handlers, check_target=check)
    await light_monitor.configure(targets=["json://example.org/x"])

    assert len(await light_monitor.told("workspace.accepted")) == 1
    assert threads
    assert threading.main_thread() not in threads


@pytest.mark.parametrize("target", ["tgram://bot-s3cret", "mailto://user:s3cret@", "nothing://s3cret@x"])
async def test_a_refused_target_is_not_quoted(light_monitor: Monitor, target: str) -> None:
    await light_monitor.configure(targets=[target])

    (rejected,) = await light_monitor.told("workspace.rejected")
    assert "s3cret" not in rejected["reason"]


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
        differences = await connection.run_sync(_differences)
    await engine.dispose()

    assert differences == []


def _differences(connection: Connection) -> list[Any]:
    options = {"version_table": "alembic_version_monitor"}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


@pytest.mark.parametrize("target", ["json://user:secret@host/\ud800", "json://host/a\nb", " "])
async def test_a_target_that_is_no_text_is_refused_without_being_told(light_monitor: Monitor, target: str) -> None:
    await light_monitor.configure(targets=["json://example.org/x", target])

    (rejected,) = await light_monitor.told("workspace.rejected")
    assert rejected["reason"].startswith("sealed_notify[1]: ")
    assert "secret" not in rejected["reason"]
