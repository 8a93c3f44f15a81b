"""Acts on many posts: prepared for all that match at one instant, then started, followed, stopped."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field, model_validator
from sqlalchemy import RowMapping

from services.console.api.access import READ, WRITE, TheActor
from services.console.api.bodies import body_of, documented
from services.console.api.console import Console, TheConsole
from services.console.api.errors import ErrorAnswer, Refusal
from services.console.api.paging import paged
from services.console.read_model.listing import Filter, Listed
from services.console.requests.bulk_runs import MOST_POSTS, STATES, Act
from services.console.requests.moving import Moving
from services.console.requests.runs import RunState, has_expired
from shared.events.base import Id, Instant, Value
from shared.events.progress import State
from shared.posting.rules import PAST_TOLERANCE

MOST_SHOWN = 500
MOST_CHOSEN = 500

router = APIRouter(tags=["posts"], responses={400: {"model": ErrorAnswer}, 404: {"model": ErrorAnswer}})


class Chosen(Value):
    """A post on an account."""

    post_id: Id
    account_id: Id


class Prepared(Value):
    """What is to be done, and to which posts: those chosen; else those in these states, due then, and so on."""

    act: Literal["cancel", "retry", "move", "published", "not_published", "ask_network"]
    state: tuple[Literal[tuple(State)], ...] = ()  # type: ignore[valid-type]
    account_id: tuple[Id, ...] = ()
    q: Annotated[str, Field(max_length=200)] = ""
    due_from: Instant | None = None
    due_to: Instant | None = None
    move: Moving | None = None
    posts: Annotated[tuple[Chosen, ...], Field(min_length=1, max_length=MOST_CHOSEN)] = ()

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if self.posts and (self.state or self.account_id or self.q or self.due_from or self.due_to):
            raise ValueError("posts: name the posts, or say how they are found; not both")
        return self

    @model_validator(mode="after")
    def _says_how_far(self) -> Self:
        if (self.act == "move") != (self.move is not None):
            raise ValueError("move: say how far with the act `move`, and only with that")
        return self


class RunView(BaseModel):
    """A run: `pending` posts were asked for and not answered in time; their own pages say what becomes of them.

    `in_the_past` would be moved to a time that is past, as seen when it was prepared.
    """

    id: str
    act: Act
    move: Moving | None
    state: RunState | Literal["expired"]
    as_of: datetime
    asked_by: str
    total: int
    done: int
    pending: int
    refused: int
    in_the_past: int
    ended_at: datetime | None
    problem: str | None

    @property
    def seen_to(self) -> int:
        return self.done + self.pending + self.refused

    @classmethod
    def of(cls, run: RowMapping, now: datetime) -> Self:
        shown = {name: run[name] for name in _SHOWN}
        return cls(
            id=run["run_id"],
            move=Moving.model_validate_json(run["moving"]) if run["moving"] else None,
            state="expired" if has_expired(run, now) else run["state"],
            in_the_past=run["in_the_past"] or 0,
            **shown,
        )


_SHOWN = ("act", "as_of", "asked_by", "total", "done", "pending", "refused", "ended_at", "problem")


class ItemView(BaseModel):
    """What became of a post of a run; no outcome yet while it is still to be done."""

    position: int
    post_id: str
    account_id: str
    outcome: Literal["done", "pending", "refused"] | None
    reason: str | None


class RunPage(BaseModel):
    """The latest runs."""

    runs: list[RunView]


class ItemPage(BaseModel):
    """Posts of a run; `next` is the position after which the following page begins."""

    items: list[ItemView]
    next: int | None


@router.post("/v1/bulk", status_code=201, openapi_extra=documented(Prepared), dependencies=[WRITE])
async def prepare_run(
    console: TheConsole, actor: TheActor, wanted: Annotated[Prepared, Depends(body_of(Prepared, takes_others=False))]
) -> RunView:
    """Keep the posts that are chosen, or find those that match now and for which the act is meant.

    Nothing is done until it is started.
    """
    act, now = Act(wanted.act), console.clock.now()
    _require_to_come(wanted.move, now)
    listed = await (_named(console, wanted.posts) if wanted.posts else _matching(console, wanted, act))
    posts = [(one.post_id, one.account_id) for one in wanted.posts or (one.post for one in listed)]
    if len(posts) > MOST_POSTS:
        raise Refusal(400, "too_many", f"more than {MOST_POSTS:,} posts match: narrow it by state, account or time")
    moving = wanted.move.model_dump_json() if wanted.move else None
    past = await run_in_threadpool(_into_the_past, wanted.move, listed, now)
    run = await console.bulk.prepare(act, posts, moving=moving, by=actor.name, now=now, in_the_past=past)
    return RunView.of(run, now)


def _require_to_come(move: Moving | None, now: datetime) -> None:
    if move and move.first_at and move.first_at < now - PAST_TOLERANCE:
        reason = f"move.to: {move.first_at.isoformat()} is past; choose a time to come"
        raise Refusal(400, "in_the_past", reason, field="move.to")


def _into_the_past(move: Moving | None, listed: Sequence[Listed], now: datetime) -> int:
    """How many a move would bring there; refused where it is all of them."""
    try:
        past = move.into_the_past([one.due_at for one in listed], now) if move else 0
    except OverflowError as error:
        reason = "move: a post would then be due outside the years 1 to 9999; move them less far"
        raise Refusal(400, "invalid", reason, field="move") from error
    if past and past == len(listed):
        reason = f"move: all of them ({past:,}) would then be due in the past; move them later, or to a time to come"
        raise Refusal(400, "in_the_past", reason, field="move")
    return past


async def _named(console: Console, posts: Sequence[Chosen]) -> Sequence[Listed]:
    return await console.queries.posts_named([(one.post_id, one.account_id) for one in posts])


async def _matching(console: Console, wanted: Prepared, act: Act) -> Sequence[Listed]:
    states = [state for state in State if state in STATES[act] and (not wanted.state or state in wanted.state)]
    chosen = Filter(states, wanted.account_id, wanted.due_from, wanted.due_to, is_ascending=True)
    if not states:
        return []
    if wanted.q.strip():
        return await console.queries.search.find(wanted.q, chosen, MOST_POSTS + 1)
    return await console.queries.list_posts(chosen, None, MOST_POSTS + 1)


@router.get("/v1/bulk", dependencies=[READ])
async def list_runs(console: TheConsole, limit: Annotated[int, Query(ge=1, le=100)] = 50) -> RunPage:
    """The latest acts on many posts."""
    return RunPage(runs=[RunView.of(run, console.clock.now()) for run in await console.bulk.latest(limit)])


@router.get("/v1/bulk/{run_id}", dependencies=[READ])
async def show_run(console: TheConsole, run_id: Id) -> RunView:
    """How far it has come."""
    run = await console.bulk.run(run_id)
    if run is None:
        raise Refusal(404, "not_found", f"no run {run_id!r} is known; it may have been deleted after its retention")
    return RunView.of(run, console.clock.now())


@router.get("/v1/bulk/{run_id}/items", dependencies=[READ])
async def list_items(
    console: TheConsole,
    run_id: Id,
    *,
    outcome: Literal["done", "pending", "refused"] | None = None,
    after: Annotated[int, Query(ge=-1, le=MOST_POSTS, description="`next` of the page before")] = -1,
    limit: Annotated[int, Query(ge=1, le=MOST_SHOWN)] = MOST_SHOWN,
) -> ItemPage:
    """What became of each post."""
    await show_run(console, run_id)
    rows = await console.bulk.items(run_id, outcome=outcome, after=after, limit=limit + 1)
    page, following = paged(rows, limit, lambda row: int(row["position"]))
    return ItemPage(items=[ItemView.model_validate(dict(row)) for row in page], next=following)


@router.post("/v1/bulk/{run_id}:start", status_code=202, responses={409: {"model": ErrorAnswer}}, dependencies=[WRITE])
async def start_run(console: TheConsole, request: Request, run_id: Id) -> RunView:
    """Begin; to start it again changes nothing, and after an hour it is too late."""
    request.state.posts_of_run = await console.bulk.post_ids(run_id)
    await console.bulk.start(run_id, console.clock.now())
    run = await show_run(console, run_id)
    if run.state == "expired":
        raise Refusal(
            409, "expired", "it was prepared more than an hour ago, and other posts may match: prepare it anew"
        )
    return run


@router.delete("/v1/bulk/{run_id}", status_code=202, dependencies=[WRITE])
async def stop_run(console: TheConsole, run_id: Id) -> RunView:
    """Stop it; what has been done stays done, and what is under way may still be."""
    await console.bulk.stop(run_id, console.clock.now())
    return await show_run(console, run_id)
