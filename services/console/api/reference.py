"""The page at /docs: every route with its parameters, body and answers, drawn from the OpenAPI document."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.reference.fields import Field, as_table, field_of, fields_of
from shared.reference.page import anchor, page

Json = Mapping[str, Any]

_BEFORE = """\
The document itself: [openapi.json](openapi.json). The events behind it: [asyncapi](asyncapi).

"""


def reference_route(openapi: Callable[[], Json]) -> Route:
    """Where the page is."""

    async def show(_: Request) -> Response:
        document = openapi()
        return page(document["info"]["title"], contents(document), body(document))

    return Route("/docs", show)


def contents(document: Json) -> str:
    """A list of links to the routes, by what they are about."""
    parts = []
    for tag, routes in _by_tag(document).items():
        links = "\n".join(f"- [{name}](#{anchor(name)})" for name in routes)
        parts.append(f"**{tag.capitalize()}**\n\n{links}\n")
    return "\n".join(parts)


def body(document: Json) -> str:
    """Everything but the contents."""
    return "\n".join(_body(document))


def _body(document: Json) -> Iterator[str]:
    yield document["info"]["description"] + "\n\n" + _BEFORE
    schemas = document["components"]["schemas"]
    yield "## Errors\n"
    yield "Every error is a problem as RFC 9457 has it, `application/problem+json`:\n"
    yield as_table(list(fields_of(schemas["ErrorAnswer"], schemas)))
    for tag, routes in _by_tag(document).items():
        yield f"## {tag.capitalize()}\n"
        for name, operation in routes.items():
            yield f"### {name}\n"
            yield from _route(operation, schemas)


def _by_tag(document: Json) -> dict[str, dict[str, Json]]:
    """Routes by tag, each under its method and path."""
    tagged: dict[str, dict[str, Json]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tagged.setdefault(operation["tags"][0], {})[f"{method.upper()} {path}"] = operation
    return tagged


def _route(operation: Json, schemas: Mapping[str, Json]) -> Iterator[str]:
    yield operation.get("description", operation["summary"]) + "\n"
    if parameters := operation.get("parameters"):
        yield "Parameters:\n"
        yield as_table([_parameter(one, schemas) for one in parameters])
    if "requestBody" in operation:
        yield "Body:\n"
        yield _table_of(operation["requestBody"], schemas)
    refusals = []
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            yield f"Answers **{status}**:\n"
            yield _table_of(response, schemas)
        else:
            refusals.append(f"{status} {response['description']}")
    yield "Refused with: " + " · ".join(refusals) + "\n"


def _parameter(parameter: Json, schemas: Mapping[str, Json]) -> Field:
    schema = parameter["schema"] | {"description": parameter.get("description", "")}
    place = {"path": "in the path", "query": "query", "header": "header"}[parameter["in"]]
    one = field_of(parameter["name"], schema, schemas, is_required=parameter["required"])
    return Field(one.path, f"{one.holds} ({place})", one.is_required, one.meaning)


def _table_of(message: Json, schemas: Mapping[str, Json]) -> str:
    media, content = next(iter(message["content"].items()))
    if "schema" not in content or content["schema"] == {"type": "string"}:
        return f"`{media}`\n"
    return as_table(list(fields_of(content["schema"], schemas)))
