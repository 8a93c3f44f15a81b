"""What a browser is shown where a program gets a problem: the same words on a page, and the way out."""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.console.cursor import BadCursor, Cursor
from services.console.web.security import HEADERS
from services.console.web.templating import render

Answer = Callable[[Request, Exception], Awaitable[Response]]


class NoSuchPage(Exception):
    """There is nothing to show: what was looked for, and where to go instead."""

    status = 404
    title = "Not found"
    rest = "Nothing is lost: what has been deleted after its retention is not shown any more."

    def __init__(self, what: str, way_out: str, link: str) -> None:
        super().__init__(what)
        self.what = what
        self.way_out = way_out
        self.link = link


class NotAllowed(NoSuchPage):
    """Who is signed in may not see this page."""

    status = 403
    title = "Not for this token"
    rest = "Sign out, and in again with a token that has it."


def place_or_missing(cursor: str | None, beginning: str) -> Cursor | None:
    """Where a page of a list begins, by the cursor of the one before."""
    try:
        return Cursor.read(cursor) if cursor else None
    except BadCursor as error:
        raise NoSuchPage("this page of the list cannot be found", "Start at the beginning", beginning) from error


def show_problems(app: FastAPI) -> None:
    """Answer a browser with a page where a program gets a problem."""
    for kind, answer in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _shown(cast(Answer, answer)))
    app.add_exception_handler(NoSuchPage, no_such_page)


async def no_such_page(request: Request, error: Exception) -> Response:
    """Say what there is not, within the page that everybody knows."""
    assert isinstance(error, NoSuchPage)
    return render(request, "missing.html", error.status, missing=error)


def _shown(answer: Answer) -> Answer:
    async def shown(request: Request, error: Exception) -> Response:
        if "text/html" not in request.headers.get("accept", "") or request.url.path.startswith("/v1/"):
            return await answer(request, error)
        if isinstance(error, HTTPException) and error.status_code == HTTPStatus.NOT_FOUND:
            return await no_such_page(request, NoSuchPage(f"there is no page at {request.url.path}", "Go to Now", "/"))
        return _failed(request, await answer(request, error))

    return shown


def _failed(request: Request, answered: Response) -> Response:
    problem = json.loads(bytes(answered.body))
    page = render(request, "failed.html", answered.status_code, problem=problem, can_repeat=request.method == "GET")
    page.headers.update(HEADERS)  # the answer to what nobody expected passes no middleware
    return page
