"""Posts: schedule one or many, list them, look at one."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from services.console.api.access import READ, WRITE
from services.console.api.bodies import body_of, documented
from services.console.api.console import Console, TheConsole
from services.console.api.errors import ErrorAnswer, Refusal, field_in
from services.console.api.matching import etag_of, on_accounts
from services.console.api.once import TheOnce
from services.console.api.paging import PageSize, paged, place_in
from services.console.api.views import (
    AcceptedView,
    BatchSettled,
    PostDetails,
    PostPage,
    PostView,
    RejectionView,
    Scheduled,
    WaitingView,
    rejections_in,
)
from services.console.read_model.listing import Filter, Listed
from services.console.requests.sender import Answers, BatchAnswers, each_account
from shared.events.base import Id, Instant
from shared.events.progress import State
from shared.events.requests import ScheduleBatchRequested, ScheduleRequested
from shared.events.scheduler import ScheduleAccepted, ScheduleRejected

router = APIRouter(tags=["posts"], responses={400: {"model": ErrorAnswer}})


_ONCE: dict[int | str, dict[str, Any]] = {409: {"model": ErrorAnswer}, 422: {"model": ErrorAnswer}}


@router.post(
    "/v1/posts",
    status_code=202,
    response_model=Scheduled,
    responses=_ONCE,
    openapi_extra=documented(ScheduleRequested),
    dependencies=[WRITE],
)
async def schedule_post(
    console: TheConsole, once: TheOnce, request: Annotated[ScheduleRequested, Depends(body_of(ScheduleRequested))]
) -> Response:
    """Schedule a post; the same again changes nothing, a different one replaces what is not yet sent."""

    async def carry_out() -> Scheduled:
        return taken(await schedule(console, request))

    return await once.answer(request, carry_out)


async def schedule(console: Console, request: ScheduleRequested) -> Scheduled:
    """Ask for a post and wait for what the scheduler says to it on each account."""
    account_ids = [target.account_id for target in request.targets]
    until = each_account(account_ids, ScheduleAccepted, ScheduleRejected)
    return _scheduled(request.post_id, await console.requests.send_and_wait(request, until))


def taken(scheduled: Scheduled, statuses: Mapping[str, int] = MappingProxyType({})) -> Scheduled:
    """What was scheduled at least in part; refused where it was on no account, with 400 or the status of its code."""
    if scheduled.rejected and not scheduled.accepted and not scheduled.pending:
        raise all_rejected(scheduled.rejected, statuses)
    return scheduled


def _scheduled(post_id: str, answers: Answers) -> Scheduled:
    return Scheduled(
        post_id=post_id,
        correlation_id=answers.correlation_id,
        asked_at=answers.asked_at,
        accepted=[AcceptedView.of(fact) for fact in answers.of_type(ScheduleAccepted)],
        rejected=rejections_in(answers.of_type(ScheduleRejected)),
        pending=not answers.is_complete,
    )


def all_rejected(rejected: list[RejectionView], statuses: Mapping[str, int]) -> Refusal:
    """Nothing of a request was taken; the first rejection decides the status."""
    first = rejected[0]
    listed = [rejection.model_dump(exclude_none=True) for rejection in rejected]
    return Refusal(
        statuses.get(first.code, 400),
        first.code,
        first.reason,
        field=field_in(first.reason),
        post_id=first.post_id,
        rejected=listed,
    )


@router.post(
    "/v1/posts:batch",
    status_code=202,
    response_model=BatchSettled,
    responses=_ONCE,
    openapi_extra=documented(ScheduleBatchRequested),
    dependencies=[WRITE],
)
async def schedule_batch(
    console: TheConsole,
    once: TheOnce,
    request: Annotated[ScheduleBatchRequested, Depends(body_of(ScheduleBatchRequested))],
) -> Response:
    """Schedule many posts in one request; each is accepted or rejected on its own."""
    return await once.answer(request, lambda: settle_batch(console, request))


async def settle_batch(console: Console, request: ScheduleBatchRequested) -> BatchSettled:
    """Ask for many posts and wait for what the scheduler says to each."""
    batch = BatchAnswers()
    answers = await console.requests.send_and_wait(request, batch.is_settled_by)
    return BatchSettled(
        batch_id=request.batch_id,
        correlation_id=answers.correlation_id,
        accepted=[AcceptedView.of(accepted) for accepted in batch.accepted],
        rejected=rejections_in(batch.rejected),
        waiting=[WaitingView(post_id=post_id, account_id=account_id) for post_id, account_id in batch.waiting],
        pending=not answers.is_complete,
    )


@router.get("/v1/posts", dependencies=[READ])
async def list_posts(
    console: TheConsole,
    *,
    state: Annotated[list[State], Query(default_factory=list)],
    account_id: Annotated[list[Id], Query(default_factory=list)],
    due_from: Annotated[Instant | None, Query(alias="from")] = None,
    due_to: Annotated[Instant | None, Query(alias="to")] = None,
    cursor: str | None = None,
    limit: PageSize = 50,
    order: Literal["asc", "desc"] = "desc",
    q: Annotated[str | None, Query(max_length=200, description="beginnings of words in texts and ids")] = None,
) -> PostPage:
    """Posts by the time they are due, the latest first unless `order=asc`; with `q` those of the 200 latest requests
    that have all these words, on one page."""
    wanted = Filter(state, account_id, due_from, due_to, is_ascending=order == "asc")
    if q is not None:
        return PostPage(posts=await views_of(console, await console.queries.search.find(q, wanted)), next=None)
    listed = await console.queries.list_posts(wanted, place_in(cursor), limit + 1)
    page, following = paged(listed, limit, lambda one: str(one.cursor))
    return PostPage(posts=await views_of(console, page), next=following)


@router.get("/v1/posts/{post_id:id}", responses={404: {"model": ErrorAnswer}}, dependencies=[READ])
async def show_post(
    console: TheConsole, response: Response, post_id: Id, account_id: Annotated[list[Id], Query(default_factory=list)]
) -> PostDetails:
    """A post on the accounts named, or on each of its accounts, with its rejections; the ETag is for `PATCH`."""
    listed = on_accounts(post_id, await console.queries.post(post_id), account_id)
    rejections = [RejectionView.model_validate(dict(row)) for row in await console.queries.rejections(post_id)]
    if not listed and not rejections:
        raise _unknown_post(post_id)
    response.headers["ETag"] = etag_of(listed)
    return PostDetails(post_id=post_id, accounts=await views_of(console, listed), rejections=rejections)


async def views_of(console: Console, listed: Sequence[Listed]) -> list[PostView]:
    """The posts as the API shows them, with their content."""
    drafts = await console.queries.drafts(one.post for one in listed)
    return [PostView.of(one, drafts) for one in listed]


async def known_post(console: Console, post_id: str) -> list[Listed]:
    """The post on each of its accounts; 404 where there is none."""
    listed = await console.queries.post(post_id)
    if not listed:
        raise _unknown_post(post_id)
    return listed


def _unknown_post(post_id: str) -> Refusal:
    """There is no such post."""
    return Refusal(404, "not_found", f"no post {post_id!r} is known")
