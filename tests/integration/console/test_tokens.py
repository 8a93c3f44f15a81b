"""Tokens: each with its own scope, hashed, revoked at once everywhere; and every route says what it needs."""

import json
import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy import text
from starlette.requests import Request
from starlette.routing import Mount, Route

from services.console.access.actors import Scope
from services.console.access.tokens import PREFIX, USED_AGAIN
from services.console.api import access
from services.console.api.access import declared, still_let_in, while_let_in
from tests.fakes.clock import FakeClock
from tests.integration.console.consoles import ADMIN_TOKEN, NOW, Replica

OPEN_TO_ANYONE = {
    "/sign-in", "/sign-in/{code}", "/sign-out",
    "/connect/callback",
    "/healthz", "/readyz", "/metrics", "/asyncapi", "/asyncapi.json", "/asyncapi.yaml",
    "/docs", "/openapi.json", "/reference.css", "/assets",
}  # fmt: skip
CHANGE_NOTHING = {"/compose/check"}
"""POST, for the length of what is asked."""
OWN_SESSIONS = {"/sign-in-links", "/sign-out-everywhere"}
READING = {"GET", "HEAD"}


def routes_of(replica: Replica) -> list[APIRoute]:
    routes = (context.original_route for context in iter_route_contexts(replica.app.routes))
    found = [route for route in routes if isinstance(route, APIRoute)]
    assert len(found) > 40
    return found


def methods_of(route: APIRoute) -> set[str]:
    return route.methods or set()


def some_path(route: APIRoute) -> str:
    return re.sub(r"{[^}]+}", "some", route.path)


async def test_every_route_declares_the_scope_that_it_needs(replica: Replica) -> None:
    silent = [route.path for route in routes_of(replica) if declared(route) is None]
    others = {route.path for route in replica.app.routes if isinstance(route, Route | Mount)}
    anyones = {route.path for route in routes_of(replica) if (needs := declared(route)) and needs.scope is None}

    assert silent == [], "declare READ, WRITE, ADMIN or OPEN of services.console.api.access in its dependencies"
    assert others | anyones <= OPEN_TO_ANYONE


async def test_what_changes_something_needs_more_than_to_read(replica: Replica) -> None:
    only_read = {
        route.path
        for route in routes_of(replica)
        if not methods_of(route) <= READING and (needs := declared(route)) and needs.scope is Scope.READ
    }

    assert only_read == CHANGE_NOTHING | OWN_SESSIONS


async def test_a_token_that_reads_changes_nothing(replica: Replica) -> None:
    secret = await replica.token("reader", "read")

    async with replica.client(secret) as http:
        for route in routes_of(replica):
            needs = declared(route)
            if not route.path.startswith("/v1/") or not needs or needs.scope in (None, Scope.READ):
                continue
            for method in methods_of(route):
                answer = await http.request(method, some_path(route), json={})
                assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
                problem = answer.json()
                assert (problem["code"], problem["scope"]) == ("scope_needed", needs.scope), route.path
                assert f"`{needs.scope}`" in problem["detail"]


async def test_nobody_comes_in_without_a_token(replica: Replica) -> None:
    for secret in ("", "wrong", PREFIX + "wrong", ADMIN_TOKEN[:-1], "schlüssel"):
        headers = {"Authorization": f"Bearer {secret}".encode()}
        async with replica.client(headers=headers) as http:
            for route in routes_of(replica):
                if route.path.startswith("/v1/"):
                    for method in methods_of(route):
                        answer = await http.request(method, some_path(route), json={})
                        assert answer.status_code == 401, (method, route.path, answer.text)


@pytest.mark.parametrize(("scope", "lets_in"), [("read", 1), ("write", 2), ("admin", 3)])
async def test_a_scope_includes_those_before_it(replica: Replica, scope: str, lets_in: int) -> None:
    secret = await replica.token("somebody", scope)
    reads, writes, administers = ("GET", "/v1/accounts"), ("PATCH", "/v1/posts/x"), ("GET", "/v1/tokens")

    async with replica.client(secret) as http:
        asked = [await http.request(method, path, json={}) for method, path in (reads, writes, administers)]

    assert [answer.status_code != 403 for answer in asked] == [number < lets_in for number in range(3)]


async def test_a_secret_is_told_once_and_kept_as_a_hash(replica: Replica) -> None:
    secret = await replica.token("anna", "admin")

    async with replica.client(secret) as http:
        listed = await http.get("/v1/tokens")

    assert secret.startswith(PREFIX)
    assert len(secret) >= len(PREFIX) + 43  # 256 bits
    assert secret not in listed.text
    async with replica.console.tokens.database.reading() as connection:
        kept = [str(row) for row in await connection.execute(text("SELECT * FROM tokens"))]
    assert secret.removeprefix(PREFIX) not in "".join(kept)


async def test_a_revoked_token_and_its_sessions_are_out_at_once_on_every_replica(
    replica: Replica, other: Replica
) -> None:
    secret, kept = await replica.token("anna", "write"), await replica.token("bert", "write")
    async with other.client() as browser, other.client() as berts, replica.client() as local:
        assert (await browser.post("/sign-in", data={"token": secret})).status_code == 303
        assert (await berts.post("/sign-in", data={"token": kept})).status_code == 303
        assert (await local.post("/sign-in", data={"token": ADMIN_TOKEN})).status_code == 303
        link = (await browser.post("/sign-in-links")).json()["path"]

        async with replica.client(ADMIN_TOKEN) as http:
            assert (await http.delete("/v1/tokens/anna")).status_code == 200
            assert (await http.delete("/v1/tokens/anna")).status_code == 404

        async with other.client(secret) as annas:
            assert (await annas.get("/v1/accounts")).status_code == 401
        assert (await browser.get("/v1/accounts")).json()["code"] == "signed_out"
        assert (await other.client().get(link)).status_code == 401
        assert (await berts.get("/v1/accounts")).status_code == 200
        assert (await local.get("/v1/accounts")).status_code == 200


async def test_a_new_token_of_an_old_name_revives_no_session(replica: Replica) -> None:
    async with replica.client() as browser, replica.client(ADMIN_TOKEN) as http:
        await browser.post("/sign-in", data={"token": await replica.token("anna")})
        await http.delete("/v1/tokens/anna")
        await replica.token("anna", "admin")

        assert (await browser.get("/v1/accounts")).status_code == 401


async def test_a_token_is_good_until_it_expires(replica: Replica, clock: FakeClock) -> None:
    secret = await replica.token("guest", expires_at=(NOW + timedelta(days=1)).isoformat())
    async with replica.client(secret) as http, replica.client() as browser:
        await browser.post("/sign-in", data={"token": secret})
        statuses = [(await one.get("/v1/accounts")).status_code for one in (http, browser)]
        clock.advance(timedelta(days=1))
        later = [(await one.get("/v1/accounts")).status_code for one in (http, browser)]

    assert (statuses, later) == ([200, 200], [401, 401])
    async with replica.client(ADMIN_TOKEN) as http:
        assert [one["expired"] for one in (await http.get("/v1/tokens")).json()["tokens"]] == [True]


async def test_use_is_written_down_seldom(replica: Replica, clock: FakeClock) -> None:
    secret = await replica.token("anna")

    async def used_at() -> str | None:
        async with replica.client(ADMIN_TOKEN) as admin:
            (token,) = (await admin.get("/v1/tokens")).json()["tokens"]
        found: str | None = token["last_used_at"]
        return found

    async with replica.client(secret) as http:
        before = await used_at()
        await http.get("/v1/accounts")
        first = await used_at()
        clock.advance(USED_AGAIN / 2)
        await http.get("/v1/accounts")
        soon_after = await used_at()
        clock.advance(USED_AGAIN / 2)
        await http.get("/v1/accounts")
        later = await used_at()

    assert before is None
    assert first == soon_after == "2027-03-28T12:00:00Z"
    assert later == "2027-03-28T12:05:00Z"


@pytest.mark.parametrize(
    ("wanted", "status", "field"),
    [
        ({"name": "anna"}, 409, "name"),
        ({"name": "local"}, 409, "name"),
        ({"name": "late", "expires_at": "2027-03-28T11:59:59Z"}, 400, "expires_at"),
        ({"name": "x", "scope": "root"}, 400, "scope"),
        ({"name": ""}, 400, "name"),
        ({}, 400, "name"),
        ({"name": "x" * 101}, 400, "name"),
        ({"name": "x", "expiresAt": "2028-01-01T00:00:00Z"}, 400, "expiresAt"),
    ],
)
async def test_a_token_that_cannot_be_is_refused_by_field(
    replica: Replica, wanted: dict[str, Any], status: int, field: str | None
) -> None:
    await replica.token("anna")

    async with replica.client(ADMIN_TOKEN) as http:
        answer = await http.post("/v1/tokens", content=json.dumps(wanted))

    assert (answer.status_code, answer.json().get("field")) == (status, field), answer.text


async def test_a_session_has_the_scope_of_its_token(replica: Replica) -> None:
    async with replica.client() as browser:
        await browser.post("/sign-in", data={"token": await replica.token("reader", "read")})
        assert (await browser.post("/v1/timers/x:trigger")).json()["code"] == "scope_needed"
        refused = await browser.get("/tokens")
        link = (await browser.post("/sign-in-links")).json()["path"]

        async with replica.client() as another:
            assert (await another.get(link)).status_code == 303
            assert (await another.post("/v1/timers/x:trigger")).json()["code"] == "scope_needed"

    assert refused.status_code == 403
    assert "reader has read" in refused.text


async def test_a_stream_ends_when_its_token_is_revoked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "LOOK_AGAIN_SECONDS", 0.0)
    answers = iter([True, True, False])

    async def lines() -> AsyncGenerator[str, None]:
        for line in ("", "first", "second"):  # the first is a chance to look, and no line
            yield line

    async def ask() -> bool:
        return next(answers)

    assert [line async for line in while_let_in(lines(), ask)] == ["first"]


async def test_signing_out_everywhere_ends_every_session_of_the_token_alone(replica: Replica) -> None:
    anna = await replica.token("anna")
    async with replica.client() as laptop, replica.client() as phone, replica.client() as local:
        for browser, token in ((laptop, anna), (phone, anna), (local, ADMIN_TOKEN)):
            await browser.post("/sign-in", data={"token": token})

        await laptop.post("/sign-out-everywhere")

        assert [(await one.get("/v1/accounts")).status_code for one in (laptop, phone, local)] == [401, 401, 200]
        async with replica.client(anna) as http:
            assert (await http.get("/v1/accounts")).status_code == httpx.codes.OK


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Bearer ", "BEARER"])
async def test_a_stream_goes_on_however_its_token_was_written(replica: Replica, scheme: str) -> None:
    """What lets a request in lets its stream go on."""
    headers = [(b"authorization", f"{scheme} {ADMIN_TOKEN}".encode())]
    request = Request({"type": "http", "scheme": "http", "path": "/", "headers": headers})

    async with replica.client(headers={"Authorization": f"{scheme} {ADMIN_TOKEN}"}) as http:
        assert (await http.get("/v1/stats")).status_code == 200
    assert await still_let_in(replica.console, request)()
