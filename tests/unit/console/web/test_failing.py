"""What goes wrong is told to a browser on a page, to a program as a problem, and quotes nothing to either."""

from functools import lru_cache
from types import SimpleNamespace
from typing import cast

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError

from services.console.access.actors import LOCAL, Actor
from services.console.api import Console, application
from services.console.web.mounting import mount_pages
from services.console.web.security import HEADERS
from shared.clocks.clock import SystemClock
from shared.process.health import Health

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PROGRAM = {"Accept": "*/*"}


class NobodyKnown:
    """Sessions that cannot be looked up."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def who(self, secret: str) -> Actor | None:
        """Fail."""
        raise self.error


class Everybody:
    """Sessions by which everybody is signed in."""

    async def who(self, secret: str) -> Actor | None:
        """Whoever runs the console."""
        return LOCAL


@lru_cache
def pages() -> FastAPI:
    """Put together once: all else they have from their console."""
    return mount_pages(application(cast(Console, None), Health("console")))


async def answer(sessions: object, path: str, headers: dict[str, str]) -> httpx.Response:
    app = pages()
    app.state.console = SimpleNamespace(sessions=sessions, clock=SystemClock())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://console.test", headers=headers) as http:
        return await http.get(path)


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (OperationalError("SELECT 1", {}, OSError("gone")), 503, "The console&#39;s database cannot be used"),
        (RuntimeError("a secret"), 500, "its log says more"),
    ],
)
async def test_a_browser_is_shown_what_failed_and_the_way_out(error: Exception, status: int, says: str) -> None:
    failed = await answer(NobodyKnown(error), "/posts", BROWSER)

    assert (failed.status_code, failed.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert says in failed.text
    assert "Nothing is lost" in failed.text and "Try again" in failed.text
    assert failed.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]
    assert "a secret" not in failed.text and "SELECT" not in failed.text


async def test_a_program_gets_the_same_as_a_problem() -> None:
    for path, headers in (("/posts", PROGRAM), ("/v1/posts:no", BROWSER)):
        failed = await answer(NobodyKnown(RuntimeError()), path, headers)
        assert failed.headers["content-type"] == "application/problem+json"


async def test_an_address_that_was_typed_wrongly_says_what_is_wrong_with_it() -> None:
    refused = await answer(Everybody(), "/bulk/x?after=many", BROWSER)
    assert (refused.status_code, refused.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "after: " in refused.text
    assert "Nothing is lost" not in refused.text  # nothing failed

    missing = await answer(Everybody(), "/no-such-page", BROWSER)
    assert missing.status_code == 404
    assert "There is no page at /no-such-page" in missing.text
