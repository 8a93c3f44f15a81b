"""Imports: a file of posts, reported on line by line before anything is sent, then sent in the background."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel
from sqlalchemy import RowMapping

from services.console.api.access import READ, WRITE, TheActor
from services.console.api.bodies import body_of, documented
from services.console.api.console import TheConsole
from services.console.api.errors import ErrorAnswer, Refusal
from services.console.api.paging import paged
from services.console.api.views import AccountView
from services.console.imports import PostFile, UnknownEncoding, read
from services.console.imports.outcomes import Kind
from services.console.imports.plan import Obstacle, plan_of
from services.console.requests.runs import RunState, has_expired
from shared.clocks.local_time import UnknownZone, zone_named
from shared.events.base import Id, Value
from shared.events.patterns import NO_CONTROLS_OR_EMPTY, PLACE

MOST_SHOWN = 500
MOST_FAULTS = 10_000
"""Of a file: of one with more nobody reads them all, and 8 MiB may hold millions."""
BEFORE_THE_FIRST = "0-0"
"""Before the first line: a place is the number of a line, and that of a reason among those of the same line."""

router = APIRouter(tags=["imports"], responses={400: {"model": ErrorAnswer}, 404: {"model": ErrorAnswer}})


class AccountToConnect(BaseModel):
    """An account that cannot publish its posts of a file: how many they are, and the first of their lines."""

    account_id: str
    obstacle: Obstacle
    posts: int
    lines: list[int]


class Plan(BaseModel):
    """What a file holds; an `example` shows how its letters were read where the encoding was guessed."""

    posts: int
    accounts: dict[str, int]
    accounts_to_connect: list[AccountToConnect] = []
    first_due: datetime | None
    last_due: datetime | None
    due_at_once: int
    in_the_past: int = 0
    first_in_the_past: int | None = None
    in_default_zone: int
    zone: str | None
    encoding: str
    is_encoding_guessed: bool
    example: str | None
    delimiter: str | None
    faults: int


class ImportView(BaseModel):
    """An import: `sent` of `total` posts were answered for; the lines to look at have their own list."""

    id: str
    name: str
    state: RunState | Literal["expired"]
    as_of: datetime
    asked_by: str
    overwrite: bool
    total: int
    sent: int
    scheduled: int
    unchanged: int
    ended_at: datetime | None
    problem: str | None
    warnings: dict[str, int]
    plan: Plan

    @classmethod
    def of(cls, run: RowMapping, now: datetime) -> Self:
        shown = {name: run[name] for name in cls.model_fields if name not in ("id", "state", "plan", "warnings")}
        warnings, plan = json.loads(run["warnings"] or "{}"), Plan.model_validate_json(run["plan"])
        state = "expired" if has_expired(run, now) else run["state"]
        return cls(id=run["run_id"], state=state, plan=plan, warnings=warnings, **shown)


class Imports(BaseModel):
    """The latest imports."""

    imports: list[ImportView]


class LineView(BaseModel):
    """A line to look at: a fault, or why its post is not scheduled as the file says."""

    line: int
    kind: Kind
    post_id: str | None
    account_id: str | None
    code: str | None
    reason: str


class LinePage(BaseModel):
    """Lines of an import in their order; `next` is `after` of the following page."""

    lines: list[LineView]
    next: str | None


class Start(Value):
    """What whoever starts an import has seen in its plan, and wants."""

    skip_faults: bool = False
    """Leave out the lines with faults."""
    overwrite: bool = False
    """Replace what is there already and differs, or was cancelled."""
    encoding_is_right: bool = False
    """The guessed encoding is the right one."""
    publish_now: bool = False
    """Publish at once what names no time: once more, if it was imported longer ago than the retention."""


@router.post(
    "/v1/imports",
    status_code=201,
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {}}}},
    dependencies=[WRITE],
)
async def prepare_import(
    console: TheConsole,
    actor: TheActor,
    request: Request,
    *,
    name: Annotated[
        str, Query(max_length=200, pattern=NO_CONTROLS_OR_EMPTY, description="the file's name, to know it again")
    ] = "",
    zone: Annotated[str | None, Query(max_length=100, description="of a table's local times without one")] = None,
    encoding: Annotated[str | None, Query(max_length=40, description="the file's; found out without it")] = None,
) -> ImportView:
    """Read a file of posts (CSV or JSON) and say what is in it; nothing is sent until it is started."""
    content, now = await request.body(), console.clock.now()
    known = [AccountView.of(row).model_dump() for row in await console.queries.accounts()]
    file, plan = await run_in_threadpool(_understood, content, zone, encoding, now, known)
    run_id = await console.imports.prepare(name, file, plan, by=actor.name, now=now)
    return await show_import(console, run_id)


def _understood(
    content: bytes, zone: str | None, encoding: str | None, now: datetime, known: Sequence[Mapping[str, Any]]
) -> tuple[PostFile, dict[str, Any]]:
    try:
        named = zone_named(zone).key if zone else None
        file = read(content, zone=named, encoding=encoding, most_faults=MOST_FAULTS)
    except UnknownZone as error:
        raise Refusal(400, "invalid", f"zone: {error}", field="zone") from error
    except UnknownEncoding as error:
        raise Refusal(400, "invalid", f"encoding: {error}", field="encoding") from error
    plan = plan_of(file, now, known) | {"faults": len(file.faults), "zone": named}
    return file, json.loads(json.dumps(plan))


@router.get("/v1/imports", dependencies=[READ])
async def list_imports(console: TheConsole, limit: Annotated[int, Query(ge=1, le=100)] = 50) -> Imports:
    """The latest imports."""
    return Imports(imports=[ImportView.of(run, console.clock.now()) for run in await console.imports.latest(limit)])


@router.get("/v1/imports/{run_id}", dependencies=[READ])
async def show_import(console: TheConsole, run_id: Id) -> ImportView:
    """What it holds, and how far it has come."""
    run = await console.imports.run(run_id)
    if run is None:
        raise Refusal(404, "not_found", f"no import {run_id!r} is known; it may have been deleted after its retention")
    return ImportView.of(run, console.clock.now())


@router.get("/v1/imports/{run_id}/lines", dependencies=[READ])
async def list_lines(
    console: TheConsole,
    run_id: Id,
    *,
    after: Annotated[str, Query(pattern=PLACE, description="`next` of the page before")] = BEFORE_THE_FIRST,
    limit: Annotated[int, Query(ge=1, le=MOST_SHOWN)] = MOST_SHOWN,
) -> LinePage:
    """Lines with faults, and those whose posts are not scheduled as the file says."""
    await show_import(console, run_id)
    line, number = map(int, after.split("-"))
    rows = await console.imports.lines(run_id, (line, number), limit + 1)
    page, following = paged(rows, limit, lambda row: f"{row['line']}-{row['number']}")
    return LinePage(lines=[LineView.model_validate(dict(row)) for row in page], next=following)


@router.post(
    "/v1/imports/{run_id}:start",
    status_code=202,
    openapi_extra=documented(Start, may_be_empty=True),
    responses={409: {"model": ErrorAnswer}},
    dependencies=[WRITE],
)
async def start_import(
    console: TheConsole, run_id: Id, wanted: Annotated[Start, Depends(body_of(Start, may_be_empty=True))]
) -> ImportView:
    """Send its posts, in the background; to start it again changes nothing, and after an hour it is too late."""
    _require_seen((await show_import(console, run_id)).plan, wanted)
    await console.imports.start(run_id, console.clock.now(), overwrite=wanted.overwrite)
    run = await show_import(console, run_id)
    if run.state == "expired":
        reason = "it was read more than an hour ago, and what was said of it may hold no more: read the file again"
        raise Refusal(409, "expired", reason)
    return run


def _require_seen(plan: Plan, wanted: Start) -> None:
    """409 unless whatever is doubtful in the file was seen and is wanted."""
    if plan.faults and not wanted.skip_faults:
        raise Refusal(409, "has_faults", f"{plan.faults} lines have faults: mend them, or say `skip_faults`")
    if plan.is_encoding_guessed and not wanted.encoding_is_right:
        reason = (
            f"the file was read as {plan.encoding}, which is a guess: say `encoding_is_right`, or name the right one"
        )
        raise Refusal(409, "encoding_guessed", reason)
    if plan.due_at_once and not wanted.publish_now:
        reason = f"{plan.due_at_once} posts name no time: give them one, or say `publish_now` to publish them at once"
        raise Refusal(409, "due_at_once", reason)


@router.delete("/v1/imports/{run_id}", status_code=202, dependencies=[WRITE])
async def stop_import(console: TheConsole, run_id: Id) -> ImportView:
    """Stop it; what has been sent stays scheduled."""
    await console.imports.stop(run_id, console.clock.now())
    return await show_import(console, run_id)
