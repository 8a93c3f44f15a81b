"""Held posts of an account go out once it is connected again, all at once."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.events.publisher import PublishFailed
from tests.fakes.sink import refuse
from tests.integration.console.world import World, a_name, a_post, a_world, connect
from tests.nodes import Broker
from tests.support.waiting import eventually

ERROR = {"class": "rejected", "code": "422", "message": "no"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(broker_node: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Scheduler, publisher and console, with an account on the sink."""
    async with a_world(tmp_path_factory.mktemp("console"), broker_node) as running:
        yield running


async def test_held_posts_of_an_account_go_out_once_it_is_connected_again(world: World) -> None:
    await connect(world.api, world.system, "locked")
    names = [a_name() for _ in range(3)]
    for name in names:
        world.system.sink.will_answer(name, refuse(401))
        await world.api.call("POST", "/v1/posts", a_post(name, "locked", due_in=0))
    for name in names:
        await world.api.becomes(name, "held")
    world.system.sink.answers.clear()  # a post that was held before it was sent has used up none

    refused = await world.api.refused("POST", "/v1/accounts/locked:retry-held")
    await connect(world.api, world.system, "locked")
    await eventually(lambda: is_connected(world), what="the account is connected again")
    first = await world.api.call("POST", "/v1/accounts/locked:retry-held", limit=2)
    rest = await world.api.call("POST", "/v1/accounts/locked:retry-held", limit=2, cursor=first["next"])
    for name in names:
        await world.api.becomes(name, "published")

    assert (refused[0], refused[1]["code"]) == (409, "not_connected")
    assert sorted([*first["post_ids"], *rest["post_ids"]]) == sorted(names)
    assert rest["next"] is None
    assert (await world.api.call("POST", "/v1/accounts/locked:retry-held"))["post_ids"] == []


async def test_an_account_that_nobody_knows_holds_nothing(world: World) -> None:
    refused = await world.api.refused("POST", "/v1/accounts/nobody:retry-held")

    assert (refused[0], refused[1]["code"]) == (404, "not_found")
    assert refused[1]["detail"].startswith("'nobody' holds no posts: no account of that name is known")


async def test_an_account_that_is_not_connected_and_holds_nothing_need_not_be(world: World) -> None:
    await connect(world.api, world.system, "left")
    await world.api.call("DELETE", "/v1/accounts/left")

    assert (await world.api.call("POST", "/v1/accounts/left:retry-held"))["post_ids"] == []


async def test_what_the_publisher_refuses_is_told_with_its_reason(world: World) -> None:
    name = a_name()
    told = {"post_id": name, "account_id": "locked", "revision": 1, "attempts": 1}
    await world.system.bus.emit(PublishFailed.model_validate(told | {"error": ERROR}))
    await world.api.becomes(name, "failed")

    refused = await world.api.refused("POST", f"/v1/posts/{name}/accounts/locked:retry")

    assert (refused[0], refused[1]["code"]) == (404, "not_found")
    assert "has not come to the publisher" in refused[1]["detail"]


async def is_connected(world: World) -> bool:
    account = await world.api.call("GET", "/v1/accounts/locked")
    return account["connected"] and not account["needs_reconnect"]
