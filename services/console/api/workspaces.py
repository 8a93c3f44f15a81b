"""Workspaces: configure what is watched, look at it, and remove it. Notification URLs are never shown."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, JsonValue, computed_field
from pydantic_core import from_json
from sqlalchemy import RowMapping

from services.console.api.access import READ, WRITE
from services.console.api.bodies import documented, json_object, read_body
from services.console.api.console import Console, TheConsole
from services.console.api.errors import ErrorAnswer, Refusal, field_in
from services.console.api.matching import names
from services.console.requests.sender import any_of
from shared.clocks.local_time import UnknownZone, zone_named
from shared.events.base import Id, Name, NewId, Text, Value
from shared.events.monitor import WorkspaceAccepted, WorkspaceRejected, WorkspaceRemoved
from shared.events.requests import DigestTime, Keyword, WorkspaceConfigured, WorkspaceRemoveRequested
from shared.secrets.sealing import seal

router = APIRouter(tags=["workspaces"], responses={400: {"model": ErrorAnswer}, 404: {"model": ErrorAnswer}})


class Watch(Value):
    """What to watch and whom to tell: `notify_urls` (Apprise) in clear, sealed at once, or already `sealed_notify`.

    With `keep_notify` whoever was told before is told from now on too.
    """

    monitoring_enabled: bool = True
    subreddits: tuple[Name, ...] = ()
    keywords: tuple[Keyword, ...] = ()
    notify_urls: tuple[str, ...] | None = None
    sealed_notify: Text | None = None
    keep_notify: bool = False
    notify: Literal["at_once", "digest"] = "at_once"
    digest: DigestTime | None = None


class WorkspaceView(BaseModel):
    """A workspace as it was asked for last; while `rejection` says why it cannot be so, it stays what it was before.

    `pending` while the monitor has not answered.
    """

    workspace_id: str
    monitoring_enabled: bool
    subreddits: list[str]
    keywords: list[JsonValue]
    notify: str
    has_targets: bool
    digest: dict[str, str] | None
    configured_at: datetime
    rejection: str | None
    pending: bool = False

    @computed_field  # type: ignore[prop-decorator]
    @property
    def etag(self) -> str:
        """Changes each time it is configured."""
        return f'"{sha256(self.configured_at.isoformat().encode()).hexdigest()[:16]}"'

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """The view of a row."""
        told = {name: from_json(row[name]) if row[name] else None for name in ("subreddits", "keywords", "digest")}
        return cls.model_validate({**row, **told})


class Preconditions:
    """What must be so for a workspace to be changed (If-Match, If-None-Match)."""

    def __init__(
        self,
        if_match: Annotated[str | None, Header()] = None,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> None:
        self._if_match = if_match
        self._if_none_match = if_none_match

    @asynccontextmanager
    async def required(self, console: Console, workspace_id: str) -> AsyncIterator[None]:
        """412 where it is not so; of two who have seen the same, one changes it."""
        if self._if_match is None and self._if_none_match is None:
            yield
            return
        keys, now = console.idempotency_keys, console.clock.now()
        async with keys.one_at_a_time(f"workspace {workspace_id}", now) as is_ours:
            if not is_ours:
                reason = f"workspace {workspace_id!r} is being changed by somebody else: get it again, with its ETag"
                raise Refusal(412, "conflict", reason, workspace_id=workspace_id)
            self._require(await known_workspace(console, workspace_id), workspace_id)
            yield

    def _require(self, view: WorkspaceView | None, workspace_id: str) -> None:
        if self._if_none_match is not None and view is not None:
            reason = f"there is a workspace {workspace_id!r} already; open it to change it, or choose another name"
            raise Refusal(412, "conflict", reason, field="workspace_id", workspace_id=workspace_id)
        if self._if_match is None or (view is not None and names(self._if_match, view.etag)):
            return
        reason = f"workspace {workspace_id!r} has changed since you looked at it: get it again, with its ETag"
        raise Refusal(412, "conflict", reason, workspace_id=workspace_id)


class RemovedView(BaseModel):
    """A workspace that is removed; `pending` while the monitor has not answered."""

    workspace_id: str
    pending: bool


class WorkspaceList(BaseModel):
    """Every workspace there is."""

    workspaces: list[WorkspaceView]


@router.get("/v1/workspaces", dependencies=[READ])
async def list_workspaces(console: TheConsole) -> WorkspaceList:
    """Every workspace, watched or not."""
    rows = await console.queries.workspaces.known()
    return WorkspaceList(workspaces=[WorkspaceView.of(row) for row in rows])


@router.get("/v1/workspaces/{workspace_id:id}", dependencies=[READ])
async def show_workspace(console: TheConsole, workspace_id: Id, response: Response) -> WorkspaceView:
    """One workspace, with an ETag for `PUT`."""
    view = await _require_known(console, workspace_id)
    response.headers["ETag"] = view.etag
    return view


@router.put(
    "/v1/workspaces/{workspace_id:id}",
    status_code=202,
    dependencies=[WRITE],
    openapi_extra=documented(Watch),
    responses={409: {"model": ErrorAnswer}, 412: {"model": ErrorAnswer}},
)
async def configure_workspace(
    console: TheConsole, workspace_id: NewId, request: Request, preconditions: Annotated[Preconditions, Depends()]
) -> WorkspaceView:
    """Configure a workspace, or replace it whole: what is left out is gone, its targets too without `keep_notify`.

    With `If-Match` (the ETag of `GET`) it is left as it is where somebody else has changed it; with `If-None-Match: *`
    where there is one of this name already.
    """
    urls, body = _without_urls(await request.body())
    watch = read_body(Watch, body)
    async with preconditions.required(console, workspace_id):
        configured = _configured(console, workspace_id, watch, urls)
        answers = await console.requests.send_and_wait(configured, any_of(WorkspaceAccepted, WorkspaceRejected))
    answers.require_learned()
    view = await known_workspace(console, workspace_id)
    for rejected in answers.of_type(WorkspaceRejected):
        more = {"workspace_id": workspace_id} | ({"etag": view.etag} if view else {})
        reason = rejected.reason if urls is None else rejected.reason.replace("sealed_notify", "notify_urls", 1)
        raise Refusal(400, "invalid", reason, field=field_in(reason.replace("sealed_notify", "notify_urls", 1)), **more)
    if view is None:
        reason = f"workspace {workspace_id!r} was removed meanwhile; configure it again if it is wanted"
        raise Refusal(409, "conflict", reason, workspace_id=workspace_id)
    return view.model_copy(update={"pending": not answers.is_complete})


@router.delete(
    "/v1/workspaces/{workspace_id:id}", status_code=202, responses={409: {"model": ErrorAnswer}}, dependencies=[WRITE]
)
async def remove_workspace(console: TheConsole, workspace_id: Id) -> RemovedView:
    """Stop watching for a workspace, and delete whom it notifies."""
    await _require_known(console, workspace_id)
    request = WorkspaceRemoveRequested(workspace_id=workspace_id, requested_at=console.clock.now())
    answers = await console.requests.send_and_wait(request, any_of(WorkspaceRemoved, WorkspaceRejected))
    for rejected in answers.of_type(WorkspaceRejected):
        raise Refusal(409, "conflict", rejected.reason, workspace_id=workspace_id)
    return RemovedView(workspace_id=workspace_id, pending=not answers.is_complete)


async def known_workspace(console: Console, workspace_id: str) -> WorkspaceView | None:
    """The workspace as it was asked for last, if there is one."""
    rows = await console.queries.workspaces.known(workspace_id)
    return WorkspaceView.of(rows[0]) if rows else None


async def _require_known(console: Console, workspace_id: str) -> WorkspaceView:
    view = await known_workspace(console, workspace_id)
    if view is None:
        raise Refusal(404, "not_found", f"no workspace {workspace_id!r} is known")
    return view


def _without_urls(raw: bytes) -> tuple[list[str] | None, bytes]:
    """The targets, and the body without them."""
    body, urls = json_object(raw, without="notify_urls")
    is_list = isinstance(urls, list) and all(isinstance(url, str) for url in urls)
    if urls is not None and not is_list:
        raise Refusal(400, "invalid", "notify_urls: must be a list of Apprise URLs", field="notify_urls")
    return urls, body


def _configured(console: Console, workspace_id: Id, watch: Watch, urls: list[str] | None) -> WorkspaceConfigured:
    if urls is not None and watch.sealed_notify is not None:
        raise Refusal(400, "invalid", "send either notify_urls or sealed_notify", field="notify_urls")
    if watch.digest:
        _check_zone(watch.digest.zone)
    if watch.keep_notify and (urls is not None or watch.sealed_notify is not None):
        reason = "keep_notify: the targets cannot both stay and be new; send one"
        raise Refusal(400, "invalid", reason, field="keep_notify")
    told: dict[str, Any] = {name: getattr(watch, name) for name in Watch.model_fields if name != "notify_urls"}
    sealed = seal(urls, console.public_keys["monitor"]) if urls else watch.sealed_notify
    configured_at = console.clock.now()
    return WorkspaceConfigured(
        **told | {"workspace_id": workspace_id, "sealed_notify": sealed, "configured_at": configured_at}
    )


def _check_zone(zone: str) -> None:
    try:
        zone_named(zone)
    except UnknownZone as error:
        raise Refusal(400, "invalid", f"digest.zone: {error}", field="digest.zone") from error
