"""The contract over HTTP: at /asyncapi a page for people, JSON or YAML for programs."""

import json

import yaml
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.contract.document import contract_of
from shared.contract.markdown import body, contents
from shared.reference.page import page, style_route

_JSON, _YAML = "application/vnd.aai.asyncapi+json", "application/vnd.aai.asyncapi+yaml"


def routes(service: str) -> list[Route]:
    """The routes of a service; the console's show the whole contract."""

    async def negotiated(request: Request) -> Response:
        accepted = request.headers.get("accept", "")
        if "text/html" in accepted:
            return _page(service)
        response = _yaml(service) if "yaml" in accepted else _json(service)
        response.headers["Vary"] = "Accept"
        return response

    async def as_json(_: Request) -> Response:
        return _json(service)

    async def as_yaml(_: Request) -> Response:
        return _yaml(service)

    return [
        Route("/asyncapi", negotiated),
        Route("/asyncapi.json", as_json),
        Route("/asyncapi.yaml", as_yaml),
        style_route(),
    ]


def _page(service: str) -> Response:
    document = contract_of(service)
    links = "\n\nAs a file: [asyncapi.json](asyncapi.json) · [asyncapi.yaml](asyncapi.yaml)\n\n"
    response = page(document["info"]["title"], contents(document) + links, body(document))
    response.headers["Vary"] = "Accept"
    return response


def _json(service: str) -> Response:
    return Response(json.dumps(contract_of(service), ensure_ascii=False), media_type=_JSON)


def _yaml(service: str) -> Response:
    """Without the anchors that YAML would make of parts that are one object here."""
    unshared = json.loads(json.dumps(contract_of(service)))
    text = yaml.safe_dump(unshared, sort_keys=False, allow_unicode=True)
    return Response(text, media_type=_YAML)
