"""A request with an Idempotency-Key is carried out once, whoever asks how often."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.app import MIGRATIONS
from services.console.requests.idempotency import UNDER_WAY, Answered, Claimed, IdempotencyKeys
from shared.database.engine import Database
from tests.integration.console.world import World, a_name, a_post, a_world
from tests.nodes import Broker
from tests.support.migrated import migrated

A_SECOND = timedelta(seconds=1)
NOW = datetime(2027, 3, 28, 9, 0, tzinfo=UTC)


@pytest.fixture
async def keys(database_url: str) -> AsyncIterator[IdempotencyKeys]:
    await migrated(database_url, MIGRATIONS)
    database = Database(database_url)
    yield IdempotencyKeys(database)
    await database.close()


async def test_a_key_is_claimed_by_one_and_tells_the_others_what_was_answered(keys: IdempotencyKeys) -> None:
    first = await keys.claim("k", "one", NOW)
    meanwhile = await keys.claim("k", "other", NOW)
    await keys.keep("k", NOW, Answered(202, '{"post_id": "ß"}'.encode()))

    afterwards = await keys.claim("k", "one", NOW + 2 * UNDER_WAY)

    assert first == Claimed("one", since=NOW)
    assert meanwhile == Claimed("one")
    assert afterwards == Claimed("one", answer=Answered(202, '{"post_id": "ß"}'.encode()))


async def test_of_many_at_once_one_carries_it_out(keys: IdempotencyKeys) -> None:
    claims = await asyncio.gather(*(keys.claim("k", "one", NOW) for _ in range(8)))

    assert sorted(claim.is_ours for claim in claims) == [False] * 7 + [True]


async def test_a_key_may_be_released_while_others_ask_for_it(keys: IdempotencyKeys) -> None:
    async def claim_and_release() -> None:
        if (await keys.claim("k", "one", NOW)).is_ours:
            await keys.release("k", NOW)

    for _ in range(20):
        await asyncio.gather(*(claim_and_release() for _ in range(8)))


async def test_what_a_dead_console_was_asked_is_carried_out_by_another(keys: IdempotencyKeys) -> None:
    await keys.claim("k", "one", NOW)

    early = await keys.claim("k", "one", NOW + UNDER_WAY - timedelta(seconds=1))
    other = await keys.claim("k", "other", NOW + UNDER_WAY)
    late = await keys.claim("k", "one", NOW + UNDER_WAY)
    later = await keys.claim("k", "one", NOW + UNDER_WAY)

    assert [claim.is_ours for claim in (early, other, late, later)] == [False, False, True, False]


async def test_a_key_that_was_released_is_free(keys: IdempotencyKeys) -> None:
    await keys.claim("k", "one", NOW)

    await keys.release("k", NOW)

    assert (await keys.claim("k", "other", NOW)).is_ours


async def test_who_was_taken_for_dead_neither_frees_the_key_nor_keeps_an_answer_under_it(keys: IdempotencyKeys) -> None:
    await keys.claim("k", "one", NOW)
    await keys.claim("k", "one", NOW + UNDER_WAY)

    await keys.release("k", NOW)
    await keys.keep("k", NOW, Answered(202, b"{}"))

    assert await keys.claim("k", "one", NOW + UNDER_WAY) == Claimed("one")


def refuse(_: Database, **__: Any) -> Any:
    raise OSError("the database is away")


@pytest.mark.parametrize("digest", ["one", "other"])
async def test_a_key_is_free_though_the_database_was_away_when_it_was_released(
    keys: IdempotencyKeys, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keys.claim("k", "one", NOW)
    with monkeypatch.context() as away:
        away.setattr(Database, "transaction", refuse)
        with pytest.raises(OSError):
            await keys.release("k", NOW)

    assert not (await IdempotencyKeys(keys._database).claim("k", digest, NOW)).is_ours, "another console cannot know"
    assert (await keys.claim("k", digest, NOW + A_SECOND)).is_ours
    assert not (await keys.claim("k", digest, NOW + A_SECOND)).is_ours


async def test_a_key_is_free_though_nothing_was_heard_of_the_commit_that_claimed_it(
    keys: IdempotencyKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    transaction = Database.transaction

    @asynccontextmanager
    async def unheard(database: Database) -> AsyncIterator[AsyncConnection]:
        async with transaction(database) as connection:
            yield connection
        raise TimeoutError

    with monkeypatch.context() as away:
        away.setattr(Database, "transaction", unheard)
        with pytest.raises(TimeoutError):
            await keys.claim("k", "one", NOW)

    assert (await keys.claim("k", "one", NOW + A_SECOND)).is_ours
    assert not (await keys.claim("k", "one", NOW + A_SECOND)).is_ours


async def test_what_could_not_be_released_long_ago_is_not_remembered(
    keys: IdempotencyKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database, "transaction", refuse)
    for second in range(200):
        with pytest.raises(OSError):
            await keys.claim(f"k-{second}", "one", NOW + second * A_SECOND)

    assert len(keys._not_released) == UNDER_WAY / A_SECOND


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(broker_node: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Scheduler, publisher and console, with an account on the sink."""
    async with a_world(tmp_path_factory.mktemp("console"), broker_node) as running:
        yield running


async def send(world: World, body: Any, key: str, path: str = "/v1/posts") -> Any:
    return await world.api.http.post(path, json=body, headers={"Idempotency-Key": key})


def asked_for(world: World, name: str) -> int:
    """How often the scheduler was asked for a post."""
    return sum(fact.type == "schedule.requested" and fact.post_id == name for fact in world.system.bus.facts)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_same_request_under_the_same_key_gets_the_same_answer(world: World) -> None:
    name = a_name()
    body = a_post(name)

    first = await send(world, body, name)
    edited = await world.api.call("PATCH", f"/v1/posts/{name}", {"content": "Edited meanwhile."})
    again = await send(world, dict(reversed(body.items())), name)
    shown = await world.api.call("GET", f"/v1/posts/{name}")

    assert (first.status_code, first.json()["accepted"][0]["changed"]) == (202, True)
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (202, first.json(), "true")
    assert (edited["accepted"][0]["revision"], shown["accounts"][0]["content"]) == (2, "Edited meanwhile.")
    assert asked_for(world, name) == 2


@pytest.mark.asyncio(loop_scope="module")
async def test_another_request_under_the_same_key_is_refused(world: World) -> None:
    name = a_name()
    await send(world, a_post(name), name)

    other = await send(world, a_post(name, content="Another text."), name)
    batch = await send(world, {"batch_id": name, "posts": [a_post(name)]}, name, "/v1/posts:batch")

    assert [(answer.status_code, answer.json()["code"]) for answer in (other, batch)] == [
        (422, "key_used_otherwise")
    ] * 2
    assert asked_for(world, name) == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_a_batch_is_answered_alike_and_so_is_a_refusal(world: World) -> None:
    name = a_name()
    batch = {"batch_id": name, "posts": [a_post(name), {"post_id": f"{name}-wrong"}]}

    settled = [await send(world, batch, name, "/v1/posts:batch") for _ in range(2)]
    late = a_post(f"{name}-late", due_in=-3600)
    refused = [await send(world, late, f"{name}-late") for _ in range(2)]

    assert settled[0].json() == settled[1].json()
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(400, "in_the_past")] * 2
    assert [answer.headers.get("idempotent-replayed") for answer in (*settled, *refused)] == [None, "true"] * 2
    assert refused[1].headers["content-type"] == "application/problem+json"


@pytest.mark.asyncio(loop_scope="module")
async def test_at_once_one_is_carried_out_and_the_others_are_told_so(world: World) -> None:
    name = a_name()
    body = a_post(name)

    answers = await asyncio.gather(*(send(world, body, name) for _ in range(5)))

    assert {(answer.status_code, answer.json().get("code")) for answer in answers} <= {(202, None), (409, "under_way")}
    assert any(answer.status_code == 202 for answer in answers)
    assert asked_for(world, name) == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_a_body_that_cannot_be_read_uses_no_key(world: World) -> None:
    name = a_name()

    wrong = await send(world, {"post_id": name}, name)
    right = await send(world, a_post(name), name)

    assert (wrong.status_code, right.status_code) == (400, 202)
