"""Edits and cancellations a moment before the instant, over HTTP, at real processes: what is answered happens."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from deploy.local.postgres_node import PostgresNode
from tests.fakes.sink import LOST_REPLY, Request
from tests.integration.console.conftest import Api, api_of
from tests.integration.console.world import World
from tests.nodes import Broker
from tests.support.bus import FINAL
from tests.support.publisher_rows import is_known, starts
from tests.support.system import SECRET, in_seconds, running_system, started, system
from tests.support.waiting import eventually, until, with_time_enough

pytestmark = pytest.mark.asyncio(loop_scope="module")

BEFORE_MS = (5000, 600, 290, 250, 200, 150, 120, 100, 80, 60, 50, 40, 30, 20, 10, 5, 0)
OLD, NEW = "The old text.", "The new text."
TOO_LATE = ("already_published", "nothing_to_change")
"""The scheduler's answer, and the console's where it has heard already that the post is out."""
IN_TIME = ("-5000", "-600", "-290")
LEAD = 12
"""Seconds before the first instant, to schedule all the posts in."""
APART = timedelta(milliseconds=80)
SERVICES = ("scheduler", "publisher", "console")
IMPATIENT = {"TIMEBALL_PUBLISHER_SEND_TIMEOUT_SECONDS": "8", "TIMEBALL_PUBLISHER_LEASE_SECONDS": "10"}
OVER = (*FINAL, "schedule.cancelled")
LAST_STATES = ("published", "cancelled", "failed", "unknown", "held", "skipped")


@dataclass(frozen=True)
class Trial:
    """A post that somebody changes so long before its instant, and what was answered."""

    name: str
    answer: str
    """`accepted`, `cancelled`, or the code of the refusal."""
    post: dict[str, Any]
    """As the console shows it in the end."""
    sent: list[bytes]

    @property
    def texts(self) -> list[str]:
        """What the network got, each text once."""
        return [text for text in (OLD, NEW) if any(text.encode() in body for body in self.sent)]


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=[("sqlite", 1), ("postgres", 2)], ids=["alone", "replicas"]
)
async def world(
    request: pytest.FixtureRequest, broker_node: Broker, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """Each service once on SQLite, and twice on PostgreSQL; an account that deduplicates and one that does not."""
    database, replicas = request.param
    folder, urls = tmp_path_factory.mktemp("near"), {}
    if database == "postgres":
        node: PostgresNode = request.getfixturevalue("postgres_node")
        urls = {name: node.create_database(f"near_{name}_{uuid4().hex[:8]}") for name in SERVICES}
    async with running_system(folder, broker_node, *SERVICES * replicas, env=IMPATIENT, **urls) as running:
        *_, console = running.processes
        await running.connect("plain", answers_lookups=False)
        await running.connect("hook", "webhook", credentials={"secret": SECRET})
        async with api_of(console, running) as api:
            yield World(running, api, console)


async def scheduled(api: Api, name: str, due_at: datetime, account_id: str = "plain") -> None:
    """Ask for a post."""
    body = {
        "post_id": name,
        "content": OLD,
        "publish_at": due_at.isoformat(),
        "targets": [{"account_id": account_id}],
    }

    response = await answered(api, "POST", "/v1/posts", body)
    assert response.is_success, response.text


async def answered(api: Api, method: str, path: str, body: Any) -> httpx.Response:
    """The answer to a request, which is repeated where the broker was too slow to confirm that it was asked for."""
    responses: list[httpx.Response] = []

    async def is_answered() -> bool:
        responses.append(await api.http.request(method, path, json=body))
        return responses[-1].status_code != HTTPStatus.SERVICE_UNAVAILABLE

    await eventually(is_answered, every=1, what=f"{method} {path} is answered")
    return responses[-1]


async def tried(world: World, name: str, method: str, at: datetime) -> Trial:
    """Change the post at an instant, and see what becomes of it."""
    await until(at)
    body = {"content": NEW} if method == "PATCH" else None
    response = await answered(world.api, method, f"/v1/posts/{name}", body)
    answer = response.json()
    correlation_id = answer.get("correlation_id")
    told = answer["code"] if response.is_error else _told(answer) or await _told_later(world, correlation_id)
    await world.system.bus.fact(OVER, post_id=name)
    await eventually(lambda: _is_over(world.api, name), what=f"{name} is over")
    (post,) = (await world.api.call("GET", f"/v1/posts/{name}"))["accounts"]
    return Trial(name, told, post, [request.body for request in _sent(world, name)])


def _told(answer: dict[str, Any]) -> str | None:
    """What became of the one account, if that was answered in time."""
    if answer["pending"]:
        return None
    if answer["rejected"]:
        return str(answer["rejected"][0]["code"])
    return "accepted" if answer.get("accepted") else "cancelled"


async def _told_later(world: World, correlation_id: str) -> str:
    """What the facts said after the answer was `pending`."""
    types = ("schedule.accepted", "schedule.cancelled", "schedule.rejected")

    def heard() -> list[Any]:
        return [fact for fact in world.system.bus.heard(*types) if fact.correlation_id == correlation_id]

    await eventually(heard, what=f"the answer to {correlation_id}")
    (fact,) = heard()
    return str(fact.body.get("code") or fact.type.removeprefix("schedule."))


async def _is_over(api: Api, name: str) -> bool:
    (post,) = (await api.call("GET", f"/v1/posts/{name}"))["accounts"]
    return post["state"] in LAST_STATES


def _sent(world: World, name: str) -> list[Request]:
    return world.system.sink.requests(name)


async def trials(world: World, method: str, success: str) -> list[Trial]:
    """Trials with twice the lead each time until a change came in time, however slow the machine is."""
    done: list[Trial] = []

    async def in_time(lead: float) -> list[Trial] | None:
        done.extend(await a_round(world, method, lead))
        return done if success in {one.answer for one in done if one.name.endswith(IN_TIME)} else None

    return await with_time_enough(in_time, lead=LEAD)


async def a_round(world: World, method: str, lead: float) -> list[Trial]:
    """A post for each moment before its instant, on a network that answers at once and on one that takes its time."""
    names = {f"{method}-{lead:g}-{speed}-{ms}": ms for ms in BEFORE_MS for speed in ("quick", "slow")}
    world.system.sink.slow = lambda request: 0.4 if "-slow-" in request.post_id else 0.0
    first = in_seconds(lead)

    async def trial(name: str, due_at: datetime) -> Trial:
        await scheduled(world.api, name, due_at)
        return await tried(world, name, method, due_at - timedelta(milliseconds=names[name]))

    return await asyncio.gather(*(trial(name, first + APART * index) for index, name in enumerate(names)))


async def test_an_edit_is_accepted_and_published_or_rejected_and_the_old_text_is_published(world: World) -> None:
    done = await trials(world, "PATCH", "accepted")

    expected = {"accepted": [NEW]} | {code: [OLD] for code in TOO_LATE}
    assert {one.name: (one.answer, one.texts) for one in done} == {
        one.name: (one.answer, expected.get(one.answer)) for one in done
    }
    assert {one.name: len(one.sent) for one in done} == {one.name: 1 for one in done}
    assert {one.name: [one.post["content"]] for one in done} == {one.name: one.texts for one in done}
    assert {one.post["state"] for one in done} == {"published"}


async def test_a_cancellation_is_told_and_nothing_is_published_or_rejected_and_the_post_is_out(world: World) -> None:
    done = await trials(world, "DELETE", "cancelled")

    expected = {"cancelled": ("cancelled", []), "already_published": ("published", [OLD])}
    assert {one.name: (one.post["state"], one.texts) for one in done} == {
        one.name: expected.get(one.answer) for one in done
    }
    assert {len(one.sent) for one in done} <= {0, 1}


async def test_while_it_is_in_doubt_whether_a_post_is_out_it_is_neither_edited_nor_cancelled(world: World) -> None:
    """The network took it and lost its reply: it is told as unknown, or the very same request is repeated."""
    due_at = in_seconds(5)
    names = {
        f"doubt-{account_id}-{method}": (account_id, method)
        for account_id in ("plain", "hook")
        for method in ("PATCH", "DELETE")
    }
    for name, (account_id, _) in names.items():
        world.system.sink.will_answer(name, LOST_REPLY)
        await scheduled(world.api, name, due_at, account_id)
    await eventually(lambda: all(_sent(world, name) for name in names), what="each was sent once")
    await eventually(lambda: _are_in_doubt(world.api, names), what="each is in doubt")

    errors = {
        name: await world.api.refused(method, f"/v1/posts/{name}", {"content": NEW} if method == "PATCH" else None)
        for name, (_, method) in names.items()
    }
    await eventually(lambda: _are_over(world.api, names), what="each is over")

    assert {(status, error["code"]) for status, error in errors.values()} <= {
        (409, "already_published"),
        (409, "nothing_to_change"),
    }
    assert {name: {request.body for request in _sent(world, name)} for name in names} == {
        name: {_sent(world, name)[0].body} for name in names
    }
    assert world.system.sink.appearances()["doubt-hook-PATCH"] == 1


async def _are_in_doubt(api: Api, names: Any) -> bool:
    shown = [(await api.call("GET", f"/v1/posts/{name}"))["accounts"][0] for name in names]
    return all(post["in_doubt"] or post["state"] in ("unknown", "published") for post in shown)


async def _are_over(api: Api, names: Any) -> bool:
    return all([await _is_over(api, name) for name in names])


async def test_while_the_publisher_is_away_the_answer_is_pending_and_then_true(
    broker_node: Broker, tmp_path: Path
) -> None:
    async with system(tmp_path, broker_node) as running:
        _, console = await started(running, "scheduler", "console")
        async with api_of(console, running) as api:
            world = World(running, api, console)
            edited, cancelled, due_at = await with_time_enough(partial(left_by_a_publisher, world), lead=12)
            names = {edited: "PATCH", cancelled: "DELETE"}

            answers = await asyncio.gather(
                *(
                    api.call(method, f"/v1/posts/{name}", {"content": NEW} if method == "PATCH" else None)
                    for name, method in names.items()
                )
            )
            await until(due_at)
            shown = [(await api.call("GET", f"/v1/posts/{name}"))["accounts"][0] for name in names]
            await started(running, "publisher")
            told = [await _told_later(world, answer["correlation_id"]) for answer in answers]
            published = await api.becomes(edited, "published")

    assert [answer["pending"] for answer in answers] == [True, True]
    assert [(one["state"], one["content"]) for one in shown] == [("dispatched", OLD)] * 2
    assert told == ["accepted", "cancelled"]
    assert (published["content"], published["revision"]) == (NEW, 2)
    assert [len(running.sink.requests(name)) for name in (edited, cancelled)] == [1, 0]


async def left_by_a_publisher(world: World, lead: float) -> tuple[str, str, datetime] | None:
    """Two posts that a publisher has claimed and when they are due; None where it was killed so late that it may have
    sent them."""
    publisher = await world.system.start("publisher")
    await world.system.connect("plain")
    names, due_at = (f"away-edited-{lead:g}", f"away-cancelled-{lead:g}"), in_seconds(lead)
    url = world.system.database_url("publisher")
    for name in names:
        await scheduled(world.api, name, due_at)
    for name in names:
        await eventually(partial(is_known, url, name), every=0.1, what=f"{name} is claimed")
    await publisher.kill()
    sent = await starts(url, "plain")
    return None if sent.keys() & set(names) else (*names, due_at)
