"""What a page offers to whoever may not do it: its form is drawn, but disabled, with the reason.

A form says in `data-call` what it sends, and in `data-needs` what a script sends for it; the routes say who may.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape, unescape
from urllib.parse import unquote, urlsplit

from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from services.console.access.actors import Actor, Scope
from services.console.api.access import scope_needed

_CALL = r'\bdata-(?:call|needs)="(?P<call>[A-Z]+ [^"]+)"'
_FORM = re.compile(rf"(?P<begin><form\b[^>]*?{_CALL}[^>]*>)(?P<inside>.*?)</form>", re.DOTALL)
_BUTTON = re.compile(rf"<button\b(?=[^>]*?{_CALL})")


@dataclass(frozen=True, slots=True)
class Permits:
    """Which scope each call of the API needs."""

    routes: Sequence[APIRoute]

    @classmethod
    def of(cls, routes: Iterable[BaseRoute]) -> "Permits":
        """By the routes of an application."""
        contexts = (context.original_route for context in iter_route_contexts(list(routes)))
        return cls([route for route in contexts if isinstance(route, APIRoute)])

    def scope_of(self, call: str) -> Scope | None:
        """The scope that `METHOD /path` needs; an administrator's where there is no such route."""
        method, _, address = call.partition(" ")
        path = unquote(urlsplit(address).path)
        for route in self.routes:
            if method in (route.methods or ()) and route.path_regex.match(path):
                return scope_needed(route)
        return Scope.ADMIN

    def drawn_for(self, actor: Actor | None, html: str) -> str:
        """The page as this actor gets it: what an actor may not send is disabled."""
        if actor is None or actor.scope is Scope.ADMIN:
            return html
        html = _BUTTON.sub(lambda found: found[0] + self._barred(actor, found, " disabled"), html)
        return _FORM.sub(lambda found: self._form(actor, found), html)

    def _form(self, actor: Actor, found: re.Match[str]) -> str:
        barred = self._barred(actor, found, ' class="barred" disabled')
        if not barred:
            return found[0]
        return f"{found['begin']}<fieldset{barred}>{found['inside']}</fieldset></form>"

    def _barred(self, actor: Actor, found: re.Match[str], attributes: str) -> str:
        needed = self.scope_of(unescape(found["call"]))
        if needed is None or actor.scope.includes(needed):
            return ""
        reason = f"This needs a token with the scope {needed}; {actor.name} has {actor.scope}."
        return f'{attributes} title="{escape(reason)}"'
