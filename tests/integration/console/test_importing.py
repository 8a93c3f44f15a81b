"""A file imported into a running console: again, after a person changed something, and with thousands of posts."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from services.console.cli.client import Address, Client
from services.console.cli.import_runs import hand_over, over
from services.console.cli.import_tally import Tally
from services.console.imports import read
from services.console.imports.parts import parts_of
from tests.integration.console.world import World, a_name, a_world
from tests.nodes import Broker
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(broker_node: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Scheduler, publisher and console, with an account on the sink."""
    async with a_world(tmp_path_factory.mktemp("console"), broker_node) as running:
        yield running


def table(*posts: tuple[str, str]) -> bytes:
    due = (datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)).isoformat()
    rows = (f"{post_id},{content},plain,{due}" for post_id, content in posts)
    return "\n".join(("post_id,content,accounts,publish_at", *rows)).encode()


async def imported(world: World, content: bytes, *, overwrite: bool = False) -> Tally:
    """As `timeball import` does it."""
    file, token = read(content), world.api.http.headers["Authorization"].removeprefix("Bearer ")
    assert not file.faults
    wanted = {"skip_faults": False, "overwrite": overwrite, "publish_now": False}
    async with Client(Address(str(world.api.http.base_url), token)) as client:
        parts = parts_of(content, file, None)
        imports = await hand_over(client, parts, name="posts.csv", zone="UTC", wanted=wanted)
        return await over(client, imports, Tally(), "posts.csv")


async def content_of(world: World, post_id: str) -> tuple[str, str]:
    (post,) = (await world.api.call("GET", f"/v1/posts/{post_id}"))["accounts"]
    return post["state"], post["content"]


async def test_an_import_revives_no_cancelled_post_and_reverts_no_edit_unless_told_to(world: World) -> None:
    same, edited, cancelled = a_name(), a_name(), a_name()
    file = table((same, "One."), (edited, "Two."), (cancelled, "Three."))
    await imported(world, file)
    await world.api.call("PATCH", f"/v1/posts/{edited}", {"content": "Better."})
    await world.api.call("DELETE", f"/v1/posts/{cancelled}")

    again = await imported(world, file)
    left = [await content_of(world, post_id) for post_id in (same, edited, cancelled)]
    overwritten = await imported(world, file, overwrite=True)
    now = [await content_of(world, post_id) for post_id in (same, edited, cancelled)]

    assert (again.unchanged, again.changed, again.rejected) == (1, 0, [])
    assert [(post["line"], post["reason"]) for post in again.left_alone] == [
        (3, f"'{edited}' on 'plain' is there already and differs (revision 2)"),
        (4, f"'{cancelled}' on 'plain' has been cancelled (revision 2)"),
    ]
    assert left == [("scheduled", "One."), ("scheduled", "Better."), ("cancelled", "Three.")]
    assert (overwritten.unchanged, overwritten.changed, overwritten.left_alone) == (1, 2, [])
    assert now == [("scheduled", "One."), ("scheduled", "Two."), ("scheduled", "Three.")]


async def test_thousands_of_posts_are_imported_at_once_and_again_without_a_change(world: World) -> None:
    name = a_name()
    file = table(*((f"{name}-{number}", f"Post {number}.") for number in range(3_000)))

    first = await imported(world, file)
    again = await imported(world, file)

    assert (first.changed, first.rejected, first.pending) == (3_000, [], 0)
    assert (again.unchanged, again.changed, again.left_alone, again.pending) == (3_000, 0, [], 0)


async def test_warnings_and_codes_are_told_of_an_import(world: World) -> None:
    name, account = a_name(), a_name()
    due = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    rows = f"{name}-0,Hello,{account},\n{name}-1,Hello,plain,{due}\n"
    file = table() + f"\n{rows}".encode()
    run = (await world.api.http.post("/v1/imports", content=file)).json()
    await world.api.call("POST", f"/v1/imports/{run['id']}:start", {"publish_now": True})

    async def is_done() -> bool:
        return bool((await world.api.call("GET", f"/v1/imports/{run['id']}"))["state"] == "done")

    await eventually(is_done, what="the import is done")
    done = await world.api.call("GET", f"/v1/imports/{run['id']}")
    (rejected,) = (await world.api.call("GET", f"/v1/imports/{run['id']}/lines"))["lines"]
    assert done["warnings"] == {f"{account} is not connected: `timeball accounts add PLATFORM {account}`": 1}
    assert (rejected["line"], rejected["kind"], rejected["code"]) == (3, "rejected", "in_the_past")
