"""Refusals: every error of the API is a problem (RFC 9457) with a `code` for programs and, where it fits, a `field`."""

import json
import re
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from services.console.api.ids_in_paths import as_asked
from shared.database.refusals import UNUSABLE, why_unusable
from shared.events.explaining import explain, explain_one, field_named
from shared.messaging.broker import BrokerUnavailable, Unroutable

_FIELD = re.compile(r"[a-z_]+(\[\d*\]|\.[a-z_]+)*(?=: )")
_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"


class ErrorAnswer(BaseModel):
    """A problem as RFC 9457 has it: `code` says to a program what `detail` says to a person."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None


class ProblemResponse(JSONResponse):
    """A problem in UTF-8; half of a surrogate pair, which a refused text may have, is shown as `?`."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


class Refusal(Exception):
    """The request is answered with an error; `more` stands beside it in the answer."""

    def __init__(self, status: int, code: str, detail: str, *, field: str | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        title = HTTPStatus(status).phrase
        self.problem = ErrorAnswer(title=title, status=status, detail=detail, code=code, field=field)
        self.more = more


def field_in(reason: str) -> str | None:
    """The field that is to blame, where a reason of ours begins with its name."""
    named = _FIELD.match(reason)
    return named[0] if named else None


def invalid(error: ValidationError, **more: Any) -> Refusal:
    """The refusal of a body that is not what it should be."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return Refusal(400, "invalid", explain(error), field=field_named(first["loc"]) or field_in(explain(error)), **more)


def answer_errors(app: FastAPI) -> None:
    """Answer every error in the one form."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(BrokerUnavailable, _no_broker)
    for unusable in UNUSABLE:
        app.add_exception_handler(unusable, _no_database)
    app.add_exception_handler(ClientDisconnect, _cut_off)
    app.add_exception_handler(Exception, _unexpected)
    app.add_exception_handler(RequestValidationError, _wrong_parameters)
    app.add_exception_handler(HTTPException, answer_plainly)


def refusal_response(refusal: Refusal) -> JSONResponse:
    """The refusal as a response."""
    headers = {"WWW-Authenticate": "Bearer"} if refusal.status == HTTPStatus.UNAUTHORIZED else {}
    if retry_after := refusal.more.get("retry_after"):
        headers["Retry-After"] = str(retry_after)
    body = refusal.problem.model_dump(exclude_none=True) | refusal.more
    return ProblemResponse(body, refusal.status, headers)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return refusal_response(error)


async def _no_broker(_: Request, error: Exception) -> Response:
    if isinstance(error, Unroutable):
        return refusal_response(Refusal(503, "nobody_takes_it", str(error)))
    log.warning("broker_failed", error=str(error), cause=repr(error.__cause__))
    message = f"the broker did not take the request, so it may not have arrived; send it again ({error})"
    return refusal_response(Refusal(503, "broker_unavailable", message))


async def _no_database(_: Request, error: Exception) -> Response:
    log.error("database_failed", error=repr(error))
    detail = f"the console's database cannot be used: {why_unusable(error)}; send the request again"
    return refusal_response(Refusal(503, "database_unavailable", detail))


async def _cut_off(_: Request, __: Exception) -> Response:
    """Whoever asked is gone: for the audit and the log no fault of the console."""
    return refusal_response(Refusal(400, "incomplete", "the connection ended before the body did; send it again"))


async def _unexpected(_: Request, __: Exception) -> Response:
    detail = "the console failed on this request; its log says more"
    return refusal_response(Refusal(500, "internal_error", detail))


async def _wrong_parameters(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = first["loc"][1:]
    return refusal_response(
        Refusal(400, "invalid", explain_one({**first, "loc": place}), field=field_named(place) or None)
    )


async def answer_plainly(request: Request, error: Exception) -> Response:
    """What the framework refuses: no such path, no such method."""
    assert isinstance(error, HTTPException)
    path = as_asked(request.url.path)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return refusal_response(Refusal(404, "not_found", f"there is no {path}; /docs lists every address there is"))
    if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
        return refusal_response(Refusal(error.status_code, "refused", str(error.detail)))
    allowed = ", ".join(method for method in _METHODS if _is_taken(method, request))
    detail = f"{path} takes no {request.method}, but {allowed}; /docs lists every address there is"
    response = refusal_response(Refusal(405, "method_not_allowed", detail))
    response.headers["Allow"] = allowed
    return response


def _is_taken(method: str, request: Request) -> bool:
    """Whether any route takes the method at this path; Starlette would name the methods of the first route alone."""
    scope = {**request.scope, "method": "GET" if method == "HEAD" else method}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
