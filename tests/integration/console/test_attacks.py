"""Attacks on the page's sessions: each hole that was found or feared has its test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from services.console.access.attempts import MOST_FAILURES, MOST_IN_ALL
from services.console.access.sessions import COOKIE, LINK_LIFE, SECURE_COOKIE, SESSION_LIFE
from shared.process.service import Service
from tests.fakes.clock import FakeClock
from tests.integration.console.consoles import ADMIN_TOKEN, Replica

HTTPS = "https://console.test"


@pytest.fixture
async def browser(replica: Replica) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that is signed in."""
    async with replica.client() as one:
        assert (await one.post("/sign-in", data={"token": ADMIN_TOKEN})).status_code == 303
        yield one


def unsafe(replica: Replica) -> list[tuple[str, str]]:
    routes = (context.original_route for context in iter_route_contexts(replica.app.routes))
    return [
        (method, route.path.replace("{", "").replace("}", "").replace(":path", ""))
        for route in routes
        if isinstance(route, APIRoute)
        for method in (route.methods or set()) - {"GET", "HEAD"}
    ]


async def test_no_other_page_has_a_browser_change_anything(replica: Replica, browser: httpx.AsyncClient) -> None:
    found = unsafe(replica)
    assert len(found) > 20

    for method, path in found:
        answer = await browser.request(method, path, headers={"Sec-Fetch-Site": "cross-site"}, json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_request"), (method, path)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://console.test"},
        {"Origin": "null"},
        {"Origin": "http://evil.test"},
        {"Origin": "http://console.test.evil.test"},
        {"Origin": "http://console.test:81"},
        {"Origin": "http://evil.test@console.test.evil.test"},
        {"Origin": ""},
    ],
)
async def test_another_page_is_known_however_it_comes(browser: httpx.AsyncClient, headers: dict[str, str]) -> None:
    for method, path in (("POST", "/v1/posts"), ("DELETE", "/v1/posts/a"), ("POST", "/sign-out")):
        answer = await browser.request(method, path, headers=headers, json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_request"), (method, path)


async def test_a_form_that_says_it_is_something_else_is_what_it_is(browser: httpx.AsyncClient) -> None:
    """A page elsewhere can send text/plain without asking: its request is refused before the body matters."""
    foreign = {"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain", "X-HTTP-Method-Override": "DELETE"}

    assert (await browser.post("/v1/posts", content="{}", headers=foreign)).json()["code"] == "foreign_request"


async def test_of_what_a_stranger_sends_no_more_than_a_form_is_kept(replica: Replica) -> None:
    """Many who each send 8 MiB, slowly, would fill the memory."""
    for method, path in unsafe(replica):
        sent = 0

        async def long_body() -> AsyncIterator[bytes]:
            nonlocal sent
            while sent < 1_000_000:
                sent += 1000
                yield b" " * 1000

        async with replica.client(headers={"Sec-Fetch-Site": "same-origin"}) as stranger:
            answer = await stranger.request(method, path, content=long_body())
        assert (answer.status_code >= 300, sent <= 10_000) == (True, True), (method, path, answer.status_code, sent)


@pytest.mark.parametrize(("base_url", "name"), [("http://console.test", COOKIE), (HTTPS, SECURE_COOKIE)])
async def test_the_cookie_is_out_of_reach(replica: Replica, base_url: str, name: str) -> None:
    async with replica.client(base_url=base_url) as http:
        answer = await http.post("/sign-in", data={"token": ADMIN_TOKEN})
        flags = answer.headers["set-cookie"].lower()
        looked = await http.get("/v1/accounts")
        out = (await http.post("/sign-out")).headers["set-cookie"]

    assert answer.headers["set-cookie"].startswith(f"{name}=")
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in flags.split(";")}
    assert "domain=" not in flags
    assert ("secure" in flags.split("; ")) is (base_url == HTTPS)
    assert looked.status_code == 200
    assert out.startswith(f'{name}=""')


async def test_over_https_a_cookie_that_a_neighbour_could_have_set_is_none(replica: Replica) -> None:
    async with replica.client() as attacker:
        await attacker.post("/sign-in", data={"token": ADMIN_TOKEN})
        tossed = attacker.cookies[COOKIE]

    async with replica.client(base_url=HTTPS, headers={"Cookie": f"{COOKIE}={tossed}"}) as victim:
        assert (await victim.get("/v1/accounts")).status_code == 401


async def test_a_session_that_was_there_before_is_not_the_one_that_is_signed_in(
    replica: Replica, browser: httpx.AsyncClient
) -> None:
    planted = browser.cookies[COOKIE]
    async with replica.client(headers={"Cookie": f"{COOKIE}={planted}"}) as victim:
        await victim.post("/sign-in", data={"token": ADMIN_TOKEN})
        assert victim.cookies[COOKIE] != planted

    assert (await browser.get("/v1/accounts")).status_code == 401


async def test_a_made_up_session_is_none(replica: Replica) -> None:
    for made_up in ("", "x", "0" * 64, "%00", "a" * 5000, "' OR 1=1 --"):
        async with replica.client(headers={"Cookie": f"{COOKIE}={made_up}"}) as http:
            assert (await http.get("/v1/accounts")).status_code == 401


async def test_sessions_and_links_end(replica: Replica, browser: httpx.AsyncClient, clock: FakeClock) -> None:
    link = (await browser.post("/sign-in-links")).json()["path"]
    clock.advance(LINK_LIFE)
    async with replica.client() as late:
        assert (await late.get(link)).status_code == 401
    clock.advance(SESSION_LIFE - LINK_LIFE)

    assert (await browser.get("/v1/accounts")).status_code == 401


@pytest.mark.parametrize(
    "then",
    [
        "https://evil.test", "//evil.test", "/\\evil.test", "\\\\evil.test", "javascript:alert(1)", "/\t/evil.test",
        "\t//evil.test", " //evil.test", "/\n/evil.test", "///evil.test", "evil.test", "/\r\nSet-Cookie: a=b", "",
    ],
)  # fmt: skip
async def test_signing_in_leads_to_no_foreign_page(replica: Replica, then: str) -> None:
    async with replica.client() as http:
        shown = await http.get("/sign-in", params={"then": then})
        answer = await http.post("/sign-in", data={"token": ADMIN_TOKEN, "then": then})

    assert answer.headers["location"] == "/"
    assert 'name="then" value="/"' in shown.text


async def test_what_is_asked_for_is_escaped(replica: Replica) -> None:
    async with replica.client() as http:
        shown = await http.get("/sign-in", params={"then": '/"><script>alert(1)</script>'})

    assert "<script>alert" not in shown.text


@pytest.mark.parametrize(
    "path", ["/v1/accounts", "/v1/tokens", "/v1/none", "/tokens", "/sign-in", "/docs", "/openapi.json", "/sign-in/x"]
)
async def test_no_cache_keeps_an_answer(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).headers["cache-control"] == "no-store"


async def test_files_of_the_page_may_be_kept(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/assets/timeball.css")

    assert "no-store" not in answer.headers.get("cache-control", "")
    assert answer.headers["etag"]


async def test_no_other_page_may_read_an_answer(browser: httpx.AsyncClient) -> None:
    headers = {"Origin": "http://evil.test", "Access-Control-Request-Method": "DELETE"}
    for method in ("GET", "OPTIONS"):
        answer = await browser.request(method, "/v1/accounts", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def wrong_on_the_page(http: httpx.AsyncClient, token: str) -> int:
    return (await http.post("/sign-in", data={"token": token})).status_code


async def wrong_at_the_api(http: httpx.AsyncClient, token: str) -> int:
    return (await http.get("/v1/stats", headers={"Authorization": f"Bearer {token}"})).status_code


Guess = Callable[[httpx.AsyncClient, str], Awaitable[int]]
WAYS = pytest.mark.parametrize("guess", [wrong_on_the_page, wrong_at_the_api])


async def wrong_from(replica: Replica, address: str, guess: Guess) -> int:
    async with replica.client(client=(address, 1)) as http:
        return await guess(http, f"wrong-{uuid4().hex[:20]}")


@WAYS
async def test_guessing_is_slowed_down_however_many_addresses_it_comes_from(replica: Replica, guess: Guess) -> None:
    from_one = [await wrong_from(replica, "203.0.113.1", guess) for _ in range(MOST_FAILURES + 1)]
    from_a_network = [await wrong_from(replica, f"2001:db8::{number:x}", guess) for number in range(MOST_FAILURES + 1)]
    many = range(MOST_IN_ALL - 2 * MOST_FAILURES)
    from_many = [await wrong_from(replica, f"10.0.{number}.1", guess) for number in many]
    one_more = await wrong_from(replica, "10.1.1.1", guess)

    assert from_one == from_a_network == [401] * MOST_FAILURES + [429]
    assert set(from_many) == {401}
    assert one_more == 429


@WAYS
async def test_a_token_that_can_be_guessed_is_not_tried_while_an_address_waits_but_a_link_is(
    replica: Replica, browser: httpx.AsyncClient, guess: Guess
) -> None:
    link = (await browser.post("/sign-in-links")).json()["path"]
    for _ in range(MOST_FAILURES):
        await wrong_from(replica, "203.0.113.1", guess)
    address: Any = ("203.0.113.1", 1)

    async with replica.client(client=address) as http:
        assert await wrong_on_the_page(http, ADMIN_TOKEN) == 429
        assert await wrong_at_the_api(http, ADMIN_TOKEN) == 429
        assert (await http.get(link)).status_code == 303


@WAYS
async def test_guesses_lock_out_nobody_who_has_a_token_that_nobody_can_guess(replica: Replica, guess: Guess) -> None:
    secret = await replica.token("program")
    for _ in range(MOST_FAILURES):
        await wrong_from(replica, "203.0.113.1", guess)
    address: Any = ("203.0.113.1", 1)

    async with replica.client(client=address) as http:
        api = await wrong_at_the_api(http, secret)
        page = await wrong_on_the_page(http, secret)

    assert (api, page) == (200, 303)


async def test_whoever_guesses_at_the_api_is_told_how_long_to_wait(replica: Replica) -> None:
    for _ in range(MOST_FAILURES):
        await wrong_from(replica, "203.0.113.1", wrong_at_the_api)
    address: Any = ("203.0.113.1", 1)

    async with replica.client("one-more", client=address) as http:
        answer = await http.get("/v1/stats")

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert int(answer.headers["Retry-After"]) == answer.json()["retry_after"] == 300
    assert "wait 5 min" in answer.json()["detail"]


async def test_a_token_in_a_url_or_another_scheme_is_none(replica: Replica) -> None:
    async with replica.client() as http:
        assert (await http.get("/v1/accounts", params={"token": ADMIN_TOKEN})).status_code == 401
        assert (await http.get("/v1/accounts", params={"access_token": ADMIN_TOKEN})).status_code == 401
        for scheme in ("Basic", "Token", ""):
            headers = {"Authorization": f"{scheme} {ADMIN_TOKEN}".strip()}
            assert (await http.get("/v1/accounts", headers=headers)).status_code == 401


async def test_a_wrong_token_is_not_made_good_by_a_session(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/v1/accounts", headers={"Authorization": "Bearer wrong"})

    assert answer.status_code == 401


async def test_a_long_form_is_refused(replica: Replica) -> None:
    async with replica.client() as http:
        assert (await http.post("/sign-in", data={"token": "x" * 5000})).status_code == 413


@pytest.mark.parametrize(
    ("trusted", "peer", "scheme"),
    [
        ("127.0.0.1", "198.51.100.99", "http"),
        ("127.0.0.1", "127.0.0.1", "https"),
        ("10.0.0.0/8,192.0.2.1", "10.9.8.7", "https"),
        ("10.0.0.0/8,192.0.2.1", "127.0.0.1", "http"),
    ],
)
async def test_what_a_proxy_says_is_believed_where_the_proxy_is_trusted(trusted: str, peer: str, scheme: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["scheme"].encode()})

    absent: Any = SimpleNamespace(try_writing=None)
    http_at = ("127.0.0.1", 0)
    service = Service(
        "console", absent, absent, absent, absent, http=http_at, trusted_proxies=trusted, make_http=lambda _: app
    )
    server = service._http_server()
    assert server
    server.config.load()
    transport = httpx.ASGITransport(server.config.loaded_app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://console.test") as http:
        said = (await http.get("/", headers={"X-Forwarded-Proto": "https"})).text

    assert said == scheme
