"""Ids in addresses: a slash or a colon that is percent-encoded belongs to the id, not to the address around it.

Servers decode a path before anybody sees it: `/v1/accounts/a%3Alimits` would be taken for the limits of `a`.
"""

import re
from urllib.parse import unquote

from starlette.convertors import PathConvertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send

_BEGINNINGS = ("/v1/posts/", "/v1/accounts/")
"""Where what may be done with a thing stands after its id."""
_SLASH, _COLON, _ODD = "\x1c", "\x1d", "\x1f"
"""No id has any of them: they stand for what was encoded, the last for the first two."""
_STAND_INS = {"2f": _SLASH, "3a": _COLON, "1c": _ODD, "1d": _ODD}
_ENCODED = re.compile("%(2f|3a|1c|1d)", re.IGNORECASE)


class IdConvertor(PathConvertor):
    """`{post_id:id}` in a route: an id, encoded or not, and also what can be none, so that it is told why."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return as_asked(value)


register_url_convertor("id", IdConvertor())


def as_asked(path: str) -> str:
    """The path, or a part of it, as whoever asks means it."""
    return path.replace(_SLASH, "/").replace(_COLON, ":")


class IdsInPaths:
    """ASGI middleware: routes see which slashes and colons of a path are those of ids."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, its path told apart."""
        if scope["type"] == "http" and scope["path"].startswith(_BEGINNINGS):
            scope = {**scope, "path": _told_apart(scope["raw_path"].decode("latin-1"))}
        await self._app(scope, receive, send)


def _told_apart(raw: str) -> str:
    return unquote(_ENCODED.sub(lambda found: _STAND_INS[found[1].lower()], raw))
