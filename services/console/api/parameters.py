"""Query parameters: one that there is not, or that is given twice, is refused, not ignored."""

from collections import Counter
from typing import Any

from fastapi import Request

from services.console.api.errors import Refusal


async def require_known(request: Request) -> None:
    """Refuse a query parameter that the route has not, and one that is given twice though it takes one value."""
    known = _parameters(request)
    for name, times in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known:
            there_are = f"there are {', '.join(known)}" if known else "there are none here"
            raise Refusal(400, "invalid", f"{name}: there is no such parameter; {there_are}", field=name)
        if times > 1 and known[name].get("type") != "array":
            raise Refusal(400, "invalid", f"{name}: it is given {times} times; give it once", field=name)


def _parameters(request: Request) -> dict[str, Any]:
    """The schemas of the route's query parameters by name, as the OpenAPI document has them."""
    operation = request.app.openapi()["paths"][request.scope["route"].path_format][request.method.lower()]
    return {one["name"]: one["schema"] for one in operation.get("parameters", ()) if one["in"] == "query"}
