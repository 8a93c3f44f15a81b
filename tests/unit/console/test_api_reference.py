"""The page at /docs tells a stranger every route without the network, and whatever is refused is a problem."""

import re
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError

from services.console.access.actors import LOCAL, Actor
from services.console.access.attempts import Attempts
from services.console.api import Console, application
from shared.clocks.clock import SystemClock
from shared.events.console import ConsoleActed
from shared.events.patterns import IN_WORDS
from shared.process.health import Health
from tests.support.schemas import patterns_in

ALLOWED = {"Authorization": "Bearer right"}


class Broken:
    """A read model that cannot be read."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def list_posts(self, *_: object) -> None:
        raise self.error


class OneToken:
    """The token `right` is good for everything."""

    async def who(self, secret: str) -> Actor | None:
        """Who has the secret."""
        return LOCAL if secret == "right" else None


class NoAudit:
    """Keeps nothing."""

    async def write(self, acted: ConsoleActed) -> None:
        """Forget it."""


@lru_cache
def routes() -> FastAPI:
    """Put together once: all else they have from their console."""
    return application(cast(Console, None), Health("console"))


def api(**parts: Any) -> httpx.AsyncClient:
    app = routes()
    app.state.console = SimpleNamespace(
        tokens=OneToken(), attempts=Attempts(), audit=NoAudit(), clock=SystemClock(), **parts
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://console", headers=ALLOWED)


async def test_what_does_not_match_a_pattern_is_refused_in_words() -> None:
    async with api() as client:
        document = (await client.get("/openapi.json")).json()

    assert set(patterns_in(document)) - set(IN_WORDS) == set()


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/v1/posts/a%01b", "post_id: leave out line breaks, tabs and other control characters (got 'a\\x01b')"),
        ("/v1/posts?from=soon", "from: an instant is RFC 3339 text with an offset, such as 2027-03-28T09:00:00+02:00"),
        ("/v1/posts?order=up", "order: Input should be 'asc' or 'desc' (got 'up')"),
        ("/v1/posts?limit=0", "limit: Input should be greater than or equal to 1 (got '0')"),
    ],
)
async def test_a_wrong_parameter_is_named_with_its_value_and_the_way_out(path: str, detail: str) -> None:
    async with api() as client:
        refused = await client.get(path)

    assert refused.status_code == 400
    assert refused.json()["detail"].startswith(detail)


async def test_every_route_is_on_the_page_and_every_link_leads_somewhere() -> None:
    async with api() as client:
        page = await client.get("/docs", headers={"Accept": "text/html"})
        document = (await client.get("/openapi.json")).json()

    routes = [f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods]
    anchors = set(re.findall(r'id="([^"]+)"', page.text))
    assert [route for route in routes if f">{route}</h3>" not in page.text] == []
    assert set(re.findall(r'href="#([^"]+)"', page.text)) <= anchors
    assert len(routes) == len(re.findall("<h3 ", page.text))


async def test_the_page_needs_no_script_and_nothing_from_elsewhere() -> None:
    async with api() as client:
        page = await client.get("/docs")
        style = await client.get("/reference.css")

    assert not re.search(r"""<script|style=|(src|href)=["'](https?:)?//""", page.text)
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert "url(" not in style.text and "@import" not in style.text


async def test_every_path_is_in_the_manual() -> None:
    async with api() as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    manual = (Path(__file__).parents[3] / "docs" / "http-api.md").read_text()

    told = {unnamed(path) for path in re.findall(r"[A-Z] (/v1/[^`?\s]+)", manual)}

    assert {unnamed(path) for path in paths} - told == set()


def unnamed(path: str) -> str:
    """The path whatever its parameters are called."""
    return re.sub(r"{\w+}", "{}", path)


async def test_every_field_and_parameter_says_what_it_means() -> None:
    async with api() as client:
        document = (await client.get("/openapi.json")).json()

    fields = {
        f"{name}.{field}": part
        for name, schema in document["components"]["schemas"].items()
        for field, part in schema.get("properties", {}).items()
    }
    parameters = {
        f"{path} {parameter['name']}": parameter
        for path, methods in document["paths"].items()
        for operation in methods.values()
        for parameter in operation.get("parameters", ())
    }
    silent = [name for name, part in (fields | parameters).items() if not part.get("description")]
    assert silent == [], "say it in services/console/api/meanings.py"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("PUT", "/v1/posts", 405, "method_not_allowed"),
        ("GET", "/v1/posts?limit=0", 400, "invalid"),
        ("POST", "/v1/posts", 400, "invalid"),
    ],
)
async def test_whatever_is_refused_is_a_problem(method: str, path: str, status: int, code: str) -> None:
    async with api() as client:
        refused = await client.request(method, path)

    told = refused.json()
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.status_code, told["status"], told["code"]) == (status, status, code)
    assert told.keys() >= {"type", "title", "detail"}


async def test_what_a_token_is_needed_for_says_so() -> None:
    async with api() as client:
        refused = await client.get("/v1/stats", headers={"Authorization": "Bearer wrong"})

    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    assert refused.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/v1/posts", "GET, HEAD, POST"), ("/v1/posts/a", "DELETE, GET, HEAD, PATCH"), ("/v1/keys:rotate", "POST")],
)
async def test_a_method_that_is_not_allowed_names_those_that_are(path: str, allowed: str) -> None:
    async with api() as client:
        refused = await client.put(path)

    assert (refused.status_code, refused.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        (
            "DELETE",
            "/v1/posts/a?account=team",
            "account: there is no such parameter; there are account_id, expected_revision",
        ),
        ("GET", "/v1/posts?limit=1&limit=2", "limit: it is given 2 times; give it once"),
        ("GET", "/v1/stats?at=now", "at: there is no such parameter; there are none here"),
    ],
)
async def test_a_parameter_that_would_be_ignored_is_refused(method: str, path: str, says: str) -> None:
    """Mistyped, `account_id` would be left out, and a post cancelled on every account."""
    async with api() as client:
        refused = await client.request(method, path)

    assert (refused.status_code, refused.json()["detail"]) == (400, says)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OperationalError("SELECT 1", {}, OSError("gone")), 503, "database_unavailable"),
        (TimeoutError(), 503, "database_unavailable"),
        (ConnectionRefusedError(111, "Connection refused"), 503, "database_unavailable"),
        (asyncpg.CannotConnectNowError("the database system is starting up"), 503, "database_unavailable"),
        (OperationalError("SELECT 1", {}, Exception("what no driver says")), 503, "database_unavailable"),
        (RuntimeError("a secret"), 500, "internal_error"),
    ],
)
async def test_a_failure_is_a_problem_that_quotes_nothing(error: Exception, status: int, code: str) -> None:
    async with api(queries=Broken(error)) as client:
        failed = await client.get("/v1/posts")

    told = failed.json()
    assert failed.headers["content-type"] == "application/problem+json"
    assert (failed.status_code, told["code"]) == (status, code)
    assert "a secret" not in failed.text and "SELECT" not in failed.text
    assert not re.search(r"[a-z]Error\b", failed.text), "programs call their errors so"


SOON = {"post_id": "p", "content": "x", "targets": [{"account_id": "a"}]}


@pytest.mark.parametrize(
    ("method", "path", "body", "says", "field"),
    [
        ("POST", "/v1/posts", SOON | {"publishAt": "2027-03-28T09:00Z"}, "do you mean publish_at?", "publishAt"),
        (
            "POST",
            "/v1/posts:batch",
            {"batch_id": "b", "posts": [SOON, SOON | {"late_polcy": {}}]},
            "do you mean late_policy?",
            "posts[1].late_polcy",
        ),
        ("PUT", "/v1/accounts/a", {"platform": "x", "credential": "hush"}, "do you mean credentials?", "credential"),
    ],
)
async def test_a_field_that_is_nearly_a_known_one_is_refused(
    method: str, path: str, body: Any, says: str, field: str
) -> None:
    async with api() as client:
        refused = await client.request(method, path, json=body)

    assert (refused.status_code, refused.json()["field"]) == (400, field)
    assert says in refused.json()["detail"]
    assert "hush" not in refused.text
