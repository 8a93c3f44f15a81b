"""Signing in: with the token or by a link, and nothing without."""

import httpx
import pytest
from playwright.async_api import expect

from services.console.access.attempts import MOST_FAILURES
from services.console.access.sessions import COOKIE
from tests.browser.conftest import Visitor
from tests.integration.console.world import World

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


async def test_a_stranger_signs_in_with_the_token_and_gets_to_the_page_that_was_asked_for(
    world: World, stranger: Visitor
) -> None:
    token = world.api.http.headers["authorization"].removeprefix("Bearer ")
    await stranger.open("/posts?state=failed")
    await stranger.page.get_by_label("Token").fill("wrong")
    await stranger.page.get_by_role("button", name="Sign in").click()
    await expect(stranger.page.get_by_role("alert")).to_contain_text("not a token of this console")

    await stranger.page.get_by_label("Token").fill(token)
    await stranger.page.get_by_role("button", name="Sign in").click()

    await stranger.page.wait_for_url("**/posts?state=failed")
    (cookie,) = [one for one in await stranger.context.cookies() if one["name"] == COOKIE]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert token not in await stranger.page.content() + cookie["value"]

    await stranger.page.get_by_role("button", name="Sign out").click()
    await stranger.open("/posts")
    await stranger.page.wait_for_url("**/sign-in?then=/posts")
    await stranger.context.add_cookies([{"name": COOKIE, "value": cookie["value"], "url": stranger.base}])
    await stranger.open("/posts")
    await stranger.page.wait_for_url("**/sign-in?then=/posts")


async def test_a_link_signs_in_once(world: World, stranger: Visitor) -> None:
    link = (await world.api.call("POST", "/sign-in-links"))["path"]

    async with httpx.AsyncClient(base_url=stranger.base) as first, httpx.AsyncClient(base_url=stranger.base) as second:
        assert (await first.get(link)).status_code == 303
        assert (await first.get("/")).status_code == 200
        assert (await second.get(link)).status_code == 401
        assert (await second.get("/")).headers["location"] == "/sign-in"


async def test_what_another_page_sends_with_the_cookie_is_refused(world: World, newcomer: Visitor) -> None:
    (cookie,) = [one for one in await newcomer.context.cookies() if one["name"] == COOKIE]
    async with httpx.AsyncClient(base_url=newcomer.base, cookies={COOKIE: cookie["value"]}) as http:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}, {}):
            answer = await http.post("/v1/timers/monitor.check:trigger", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "foreign_request")
        assert (await http.get("/v1/stats")).status_code == 200
        assert (await http.delete("/v1/posts/none", headers={"Sec-Fetch-Site": "same-origin"})).status_code == 404


async def test_who_is_wrong_too_often_waits(stranger: Visitor) -> None:
    async with httpx.AsyncClient(
        base_url=stranger.base,
        headers={"Origin": stranger.base},
        transport=httpx.AsyncHTTPTransport(local_address="127.0.0.9"),
    ) as http:
        for _ in range(MOST_FAILURES):
            assert (await http.post("/sign-in", data={"token": "wrong"})).status_code == 401
        answer = await http.post("/sign-in", data={"token": "wrong"})

    assert answer.status_code == 429
    assert "Wait" in answer.text


async def test_nobody_is_sent_to_a_foreign_page_after_signing_in(world: World, stranger: Visitor) -> None:
    token = world.api.http.headers["authorization"].removeprefix("Bearer ")
    async with httpx.AsyncClient(base_url=stranger.base, headers={"Origin": stranger.base}) as http:
        for then in ("https://evil.example", "//evil.example", "/\\evil.example"):
            answer = await http.post("/sign-in", data={"token": token, "then": then})
            assert answer.headers["location"] == "/"
