"""The OpenAPI document: what FastAPI finds in the routes, with all that is true of the API beyond them."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from services.console.api import accounts, bulk, deciding, imports, repeats, tokens, workspaces
from services.console.api.bodies import COMPONENTS
from services.console.api.errors import MEDIA_TYPE
from services.console.api.meanings import meaning_in_api
from services.console.requests.editing import Change
from shared.events.requests import (
    DeadLetterDropRequested,
    DeadLetterReplayRequested,
    ScheduleBatchRequested,
    ScheduleRequested,
)
from shared.events.trials import KeywordsTryRequested

Json = dict[str, Any]

_BODIES = (
    ScheduleRequested,
    ScheduleBatchRequested,
    DeadLetterReplayRequested,
    DeadLetterDropRequested,
    Change,
    repeats.Repeated,
    deciding.Resolution,
    accounts.Connection,
    bulk.Prepared,
    imports.Start,
    KeywordsTryRequested,
    workspaces.Watch,
    tokens.NewToken,
)
_ABOUT = """\
Whatever can be done over the broker can be done here: a request is sent, its answer awaited for up to 5 seconds and \
told. `pending` says that it has not come yet. Every request carries `Authorization: Bearer <token>`; a token has a \
scope: `read`, `write` or `admin`, each with those before it."""
_TELLS = {
    HTTPStatus.BAD_REQUEST: "The request is wrong; `field` names what is.",
    HTTPStatus.UNAUTHORIZED: "No token, or one that is not good (any more).",
    HTTPStatus.FORBIDDEN: "The token's scope is too small; `scope` names the one that is needed.",
    HTTPStatus.NOT_FOUND: "Nobody knows it.",
    HTTPStatus.CONFLICT: "It cannot be done in this state.",
    HTTPStatus.PRECONDITION_FAILED: "It has changed since it was as `If-Match` says.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body has more than 8 MiB.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The `Idempotency-Key` was used for another request.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The console failed on the request; its log says more.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The broker or the database cannot be used, or nobody takes the request.",
}
_ALWAYS = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_NEVER_SENT = "#/components/schemas/HTTPValidationError"
"""FastAPI says that wrong parameters get this, with 422; ours get a problem with 400."""


def describe(app: FastAPI) -> None:
    """Have the application serve the whole document."""

    def openapi() -> Json:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version=app.version, description=_ABOUT, routes=app.routes)
            app.openapi_schema = _whole(found)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _whole(document: Json) -> Json:
    schemas = document["components"]["schemas"]
    schemas |= _schemas_of(*_BODIES)
    a_post = schemas["ScheduleBatchRequested"]["properties"]["posts"]["items"]
    del a_post["type"]  # what is no object is rejected alone
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for name, schema in schemas.items():
        _explain(name, schema)
    for operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            parameter.setdefault("description", meaning_in_api(parameter["in"], parameter["name"]))
        _tell_refusals(operation)
    return document


def _schemas_of(*models: type[BaseModel]) -> Json:
    """The components that `documented` refers to, in which what need not be given may be null as well."""
    schemas: Json = {}
    for model in models:
        schema = model.model_json_schema(ref_template=COMPONENTS)
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
    for schema in schemas.values():
        _let_optional_fields_be_null(schema)
    return schemas


def _let_optional_fields_be_null(schema: Json) -> None:
    null = {"type": "null"}
    fields = schema.get("properties", {})
    for name in fields.keys() - set(schema.get("required", ())):
        if null not in fields[name].get("anyOf", ()):
            fields[name] = {"anyOf": [fields[name], null]}


def _explain(name: str, schema: Json) -> None:
    """Say what every field means."""
    for field, part in schema.get("properties", {}).items():
        part.setdefault("description", meaning_in_api(name, field))


def _operations(document: Json) -> Iterator[Json]:
    for methods in document["paths"].values():
        yield from methods.values()


def _tell_refusals(operation: Json) -> None:
    """Every refusal there may be, as the problem that it is."""
    responses: Json = operation["responses"]
    if _NEVER_SENT in str(responses.get("422")):
        del responses["422"]
    if "parameters" in operation:
        responses.setdefault(str(int(HTTPStatus.BAD_REQUEST)), {})
    needed = [*_ALWAYS, *([HTTPStatus.REQUEST_ENTITY_TOO_LARGE] if "requestBody" in operation else [])]
    for status in needed:
        responses.setdefault(str(int(status)), {})
    for code, response in responses.items():
        if int(code) >= HTTPStatus.BAD_REQUEST:
            response["description"] = _TELLS.get(HTTPStatus(int(code)), HTTPStatus(int(code)).phrase)
            response["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}}
    operation["responses"] = dict(sorted(responses.items()))
