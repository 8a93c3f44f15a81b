"""Acts on many posts: on exactly those that matched, with what became of each, and stopped where one says so."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from shared.events.requests import RetryPolicy
from tests.fakes.sink import LOST_REPLY, refuse
from tests.integration.console.world import World, a_name, a_post, a_world
from tests.nodes import Broker
from tests.support.system import SECRET
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(broker_node: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Scheduler, publisher and console, with an account on the sink."""
    async with a_world(tmp_path_factory.mktemp("bulk"), broker_node) as running:
        yield running


async def prepared(world: World, act: str, word: str, **more: Any) -> dict[str, Any]:
    run: dict[str, Any] = await world.api.call("POST", "/v1/bulk", {"act": act, "q": word, **more})
    return run


async def ended(world: World, run: dict[str, Any]) -> dict[str, Any]:
    await world.api.call("POST", f"/v1/bulk/{run['id']}:start")
    found: dict[str, Any] = {}

    async def is_over() -> bool:
        found.update(await world.api.call("GET", f"/v1/bulk/{run['id']}"))
        return found["state"] in {"done", "stopped"}

    await eventually(is_over, what="the run is over")
    return found


async def several(world: World, word: str, count: int, **more: Any) -> list[str]:
    names = [a_name() for _ in range(count)]
    for name in names:
        await world.api.call("POST", "/v1/posts", a_post(name, **more) | {"content": f"about {word}"})
    return names


async def states(world: World, names: list[str]) -> list[str]:
    return [(await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]["state"] for name in names]


async def test_all_that_matched_are_cancelled_and_what_came_later_is_left(world: World) -> None:
    names = await several(world, "tulips", 7)
    run = await prepared(world, "cancel", "tulips")
    later = await several(world, "tulips", 1)
    assert (run["total"], run["state"], run["done"]) == (7, "prepared", 0)
    assert set(await states(world, names)) == {"scheduled"}

    over = await ended(world, run)

    assert (over["state"], over["done"], over["refused"], over["pending"]) == ("done", 7, 0, 0)
    assert set(await states(world, names)) == {"cancelled"}
    assert await states(world, later) == ["scheduled"]
    items = await world.api.call("GET", f"/v1/bulk/{run['id']}/items", limit=5)
    rest = await world.api.call("GET", f"/v1/bulk/{run['id']}/items", after=items["next"])
    assert sorted(one["post_id"] for page in (items, rest) for one in page["items"]) == sorted(names)
    assert run["id"] in [one["id"] for one in (await world.api.call("GET", "/v1/bulk"))["runs"]]


@pytest.mark.parametrize("path", ["/v1/bulk/nope/items", "/v1/imports/nope/lines"])
async def test_a_run_that_nobody_knows_has_no_empty_page(world: World, path: str) -> None:
    status, error = await world.api.refused("GET", path)

    assert (status, error["code"]) == (404, "not_found")


async def test_posts_are_moved_by_days_and_what_changed_meanwhile_says_why_not(world: World) -> None:
    first, second = await several(world, "crocus", 2)
    before = (await world.api.call("GET", f"/v1/posts/{first}"))["accounts"][0]["publish_at"]
    run = await prepared(world, "move", "crocus", move={"days": 2, "seconds": 60})
    await world.api.call("DELETE", f"/v1/posts/{second}")

    over = await ended(world, run)

    after = (await world.api.call("GET", f"/v1/posts/{first}"))["accounts"][0]["publish_at"]
    assert datetime.fromisoformat(after) - datetime.fromisoformat(before) == timedelta(days=2, seconds=60)
    assert (over["done"], over["refused"]) == (1, 1)
    (item,) = (await world.api.call("GET", f"/v1/bulk/{run['id']}/items", outcome="refused"))["items"]
    assert item["post_id"] == second
    assert "cancelled" in item["reason"]


async def test_a_move_into_the_past_is_told_when_it_is_prepared(world: World) -> None:
    near, far = await several(world, "begonias", 1), await several(world, "begonias", 1, due_in=86_400)

    run = await prepared(world, "move", "begonias", move={"seconds": -7_200})
    refusal = await world.api.refused("POST", "/v1/bulk", {"act": "move", "q": "begonias", "move": {"days": -30}})
    chosen = {"act": "move", "posts": [{"post_id": near[0], "account_id": "plain"}], "move": {"days": -1}}
    of_one = await world.api.refused("POST", "/v1/bulk", chosen)
    over = await ended(world, run)

    assert (run["total"], run["in_the_past"]) == (2, 1)
    assert (over["done"], over["refused"]) == (1, 1)
    assert far != near
    for status, problem in (refusal, of_one):
        assert (status, problem["code"], problem["field"]) == (400, "in_the_past", "move")


async def test_only_posts_for_which_the_act_is_meant_are_found(world: World) -> None:
    await several(world, "daisies", 2)

    assert (await prepared(world, "retry", "daisies"))["total"] == 0
    assert (await prepared(world, "cancel", "daisies", state=["published"]))["total"] == 0
    assert (await prepared(world, "cancel", "daisies", account_id=["nobody"]))["total"] == 0
    assert (await prepared(world, "cancel", "daisies", state=["scheduled"]))["total"] == 2


async def test_the_posts_that_are_chosen_are_acted_on_and_others_of_them_say_why_not(world: World) -> None:
    first, second, left = await several(world, "irises", 3)
    await world.api.call("DELETE", f"/v1/posts/{second}")
    chosen = [{"post_id": name, "account_id": "plain"} for name in (first, second, "nobody-knows")]
    run = await world.api.call("POST", "/v1/bulk", {"act": "cancel", "posts": chosen})
    assert run["total"] == 3

    over = await ended(world, run)

    assert (over["done"], over["refused"]) == (2, 1)
    assert await states(world, [first, second, left]) == ["cancelled", "cancelled", "scheduled"]
    (refused,) = (await world.api.call("GET", f"/v1/bulk/{run['id']}/items", outcome="refused"))["items"]
    assert refused["post_id"] == "nobody-knows"
    assert "nobody-knows" in refused["reason"]


@pytest.mark.parametrize(("outcome", "state"), [("published", "published"), ("not_published", "failed")])
async def test_unknown_outcomes_are_resolved_together_and_what_is_not_in_doubt_is_left(
    world: World, outcome: str, state: str
) -> None:
    names = [a_name() for _ in range(2)]
    for name in names:
        world.system.sink.will_answer(name, LOST_REPLY)
        await world.api.call("POST", "/v1/posts", a_post(name, due_in=0) | {"content": f"about {outcome} poppies"})
        await world.api.becomes(name, "unknown")
    coming = await several(world, f"{outcome} poppies", 1)
    run = await prepared(world, outcome, f"{outcome} poppies")
    assert run["total"] == 2

    over = await ended(world, run)

    assert (over["state"], over["done"]) == ("done", 2)
    assert await states(world, [*names, *coming]) == [state, state, "scheduled"]


async def test_after_an_outage_the_network_settles_what_it_can(world: World) -> None:
    """A receiver that recognises what it has taken is sent the very same requests again; nothing appears twice."""
    await world.system.connect("hook", "webhook", credentials={"secret": SECRET})
    taken, lost = a_name(), a_name()
    once = RetryPolicy(attempts=1).model_dump()
    for name, answer in ((taken, LOST_REPLY), (lost, refuse(502))):
        world.system.sink.will_answer(name, answer)
        body = a_post(name, "hook", due_in=0) | {"content": "about dahlias", "retry": once}
        await world.api.call("POST", "/v1/posts", body)
        await world.api.becomes(name, "unknown")
    run = await prepared(world, "ask_network", "dahlias")
    assert run["total"] == 2

    over = await ended(world, run)

    assert (over["state"], over["done"]) == ("done", 2)
    for name in (taken, lost):
        await world.api.becomes(name, "published")
        requests = world.system.sink.requests(name)
        assert (len(requests), len({request.headers["webhook-id"] for request in requests})) == (2, 1)
        assert world.system.sink.appearances()[name] == 1


async def test_posts_are_moved_to_an_instant_one_after_the_other(world: World) -> None:
    names = await several(world, "asters", 2)
    to = {"local": "2036-03-30T09:00:30", "zone": "Europe/Berlin"}
    chosen = [{"post_id": name, "account_id": "plain"} for name in names]
    run = await world.api.call(
        "POST", "/v1/bulk", {"act": "move", "posts": chosen, "move": {"to": to, "every_seconds": 90}}
    )

    await ended(world, run)

    found = [(await world.api.call("GET", f"/v1/posts/{name}"))["accounts"][0]["publish_at"] for name in names]
    assert found == ["2036-03-30T07:00:30Z", "2036-03-30T07:02:00Z"]


async def test_a_run_that_is_stopped_does_nothing_more(world: World) -> None:
    names = await several(world, "lilies", 2)
    run = await prepared(world, "cancel", "lilies")
    await world.api.call("DELETE", f"/v1/bulk/{run['id']}")

    over = await ended(world, run)

    assert (over["state"], over["done"]) == ("stopped", 0)
    assert set(await states(world, names)) == {"scheduled"}


async def test_what_cannot_be_is_refused_by_name(world: World) -> None:
    for body, field in (
        ({"act": "sing"}, "act"),
        ({"act": "move"}, "move"),
        ({"act": "cancel", "move": {"days": 1}}, "move"),
        ({"act": "move", "move": {}}, "move"),
        ({"act": "move", "move": {"days": 1, "zone": "Europe/Nowhere"}}, "zone"),
        ({"act": "cancel", "state": ["sleeping"]}, "state"),
        ({"act": "move", "move": {"to": "2020-01-01T00:00Z"}}, "move.to"),
        ({"act": "move", "move": {"to": "2030-01-01T00:00Z", "days": 1}}, "move"),
        ({"act": "cancel", "q": "x", "posts": [{"post_id": "p", "account_id": "a"}]}, "posts"),
        ({"act": "cancel", "posts": [{"post_id": "p"}]}, "posts[0].account_id"),
        ({"act": "cancel", "posts": []}, "posts"),  # none are not all
    ):
        status, problem = await world.api.refused("POST", "/v1/bulk", body)
        assert (status, field in problem["detail"] or field in str(problem.get("field"))) == (400, True), problem
    for method, path in (("GET", "/v1/bulk/x"), ("POST", "/v1/bulk/x:start"), ("DELETE", "/v1/bulk/x")):
        assert (await world.api.refused(method, path))[0] == 404
