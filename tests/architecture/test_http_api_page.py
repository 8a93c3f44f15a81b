"""docs/http-api.md lists every route of the API, and none that is not there."""

import re
from pathlib import Path
from typing import Any, cast

from services.console.api.application import application
from services.console.api.console import Console
from shared.process.health import Health

PAGE = Path("docs/http-api.md")
_ROUTE = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/[^\s`?]*)")
_ANY_NAME = re.compile(r"\{[^}]*\}")


def documented() -> set[tuple[str, str]]:
    rows = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    return {(method, _ANY_NAME.sub("{}", path)) for row in rows for method, path in _ROUTE.findall(row)}


def served() -> set[tuple[str, str]]:
    app = application(cast(Console, cast(Any, None)), Health("console", {}))
    paths: dict[str, dict[str, Any]] = app.openapi()["paths"]
    return {
        (method.upper(), _ANY_NAME.sub("{}", path))
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/v1/")
    }


def test_every_route_is_on_the_page() -> None:
    assert served() - documented() == set()


def test_every_route_on_the_page_is_served() -> None:
    assert {one for one in documented() if one[1].startswith("/v1/")} - served() == set()
