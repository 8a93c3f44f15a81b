"""Acts: what a request did, for the audit. Ids and codes alone are taken from it, never what it says."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.console.access.actors import Scope
from services.console.api.access import scope_needed
from shared.events.base import Id
from shared.events.console import ActedOn

UNKNOWN = "unknown"
"""Who could not sign in."""
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_KINDS = {"post_id": "post", "account_id": "account", "workspace_id": "workspace", "run_id": "run"}
_ID: TypeAdapter[str] = TypeAdapter(Id)

Pair = tuple[str, str]


def act_in(scope: Mapping[str, Any]) -> str | None:
    """What the request was to do, by the name of its route; None where it only looks, or nobody known has asked."""
    state = scope["state"]
    if named := state.get("act"):
        return str(named)
    route = scope.get("route")
    if route is None or scope["method"] in _READING or "actor" not in state:
        return None
    return str(route.name) if scope_needed(route) in (Scope.WRITE, Scope.ADMIN) else None


def via_of(headers: Mapping[str, str]) -> str:
    """Whether a browser has asked, the command line or another program."""
    if "authorization" not in headers:
        return "page"
    return "command line" if headers.get("user-agent", "").startswith("timeball/") else "api"


def outcome_of(status: int, answer: Mapping[str, Any]) -> str:
    """How it ended."""
    if status >= 500:  # noqa: PLR2004
        return "failed"
    if status >= 400:  # noqa: PLR2004
        return "refused"
    return "pending" if answer.get("pending") or answer.get("waiting") else "done"


def answer_in(body: bytes) -> Mapping[str, Any]:
    """What the API has answered; nothing where it is no JSON object."""
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def objects_of(scope: Mapping[str, Any], query: Sequence[Pair], answer: Mapping[str, Any]) -> list[ActedOn]:
    """Everything the request was about, each thing once."""
    found = dict.fromkeys((*_in_path(scope), *_in_query(query), *_in_body(scope["state"]), *_in_answer(answer)))
    return [ActedOn(kind=kind, id=id_) for kind, id_ in found if _is_id(id_)]


def _is_id(given: str) -> bool:
    """Whether anything can have this id, in whatever script."""
    try:
        _ID.validate_python(given)
    except ValidationError:
        return False
    return True


def _in_path(scope: Mapping[str, Any]) -> Iterator[Pair]:
    for name, value in scope.get("path_params", {}).items():
        if kind := _KINDS.get(name):
            yield kind, str(value)
        elif name == "name":
            yield scope["route"].path.split("/")[2].rstrip("s"), str(value)


def _in_query(query: Sequence[Pair]) -> Iterator[Pair]:
    for name, value in query:
        if kind := _KINDS.get(name):
            yield kind, value


def _in_body(state: Mapping[str, Any]) -> Iterator[Pair]:
    """The ids in a body that was read: of a post and its accounts, of a batch, of a new token; and those of a run."""
    yield from (("post", post_id) for post_id in state.get("posts_of_run", ()))
    asked = state.get("asked")
    for post in getattr(asked, "posts", ()):
        yield "post", str(post.get("post_id", "") if isinstance(post, dict) else getattr(post, "post_id", ""))
    if post_id := getattr(asked, "post_id", None):
        yield "post", post_id
    for target in getattr(asked, "targets", ()):
        yield "account", target.account_id
    for account_id in getattr(asked, "account_ids", None) or ():
        yield "account", account_id
    if service := getattr(asked, "service", None):
        yield "service", service
    if name := getattr(asked, "name", None):
        yield "token", name


def _in_answer(answer: Mapping[str, Any]) -> Iterator[Pair]:
    for post_id in answer.get("post_ids", ()):
        yield "post", post_id
    for message_id in answer.get("message_ids", ()):
        yield "message", message_id
    if run_id := answer.get("id"):
        yield "run", str(run_id)
