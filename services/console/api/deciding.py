"""What a person decides on posts that came to an end, or may have: try them again, settle an unknown outcome."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import RowMapping

from services.console.api.access import WRITE
from services.console.api.bodies import body_of, documented
from services.console.api.console import Console, TheConsole
from services.console.api.errors import ErrorAnswer, Refusal
from services.console.api.paging import MOST_ON_A_PAGE, PageSize, paged, place_in
from services.console.api.posts import known_post
from services.console.domain.posts import RESOLVABLE, RETRIABLE
from services.console.read_model.listing import Filter
from services.console.read_model.rows import takes_posts
from services.console.requests.sender import Until
from shared.events import Event
from shared.events.base import Id, Text, Value
from shared.events.progress import State, progress_of
from shared.events.requests import PublishResolveRequested, PublishRetryRequested
from shared.events.scheduler import ScheduleRejected

WRONG_STATE = "wrong_state"
"""Nothing has been asked, for the post is not in a state for it."""

router = APIRouter(
    tags=["posts"], responses={400: {"model": ErrorAnswer}, 404: {"model": ErrorAnswer}, 409: {"model": ErrorAnswer}}
)


class Resolution(Value):
    """What a person found out about a post whose outcome is unknown, or that the network is to be asked."""

    outcome: Literal["published", "not_published", "ask_network"]
    platform_post_id: Text | None = None


class Decided(BaseModel):
    """The state that the post has got by it; `pending` while the publisher has not answered."""

    correlation_id: str
    asked_at: datetime
    post_id: str
    account_id: str
    state: State | None
    pending: bool


class HeldRetried(BaseModel):
    """The held posts that are asked for again; `next` is the cursor for those that follow, if there are more."""

    account_id: str
    correlation_id: str
    post_ids: list[str]
    next: str | None


@router.post("/v1/posts/{post_id:id}/accounts/{account_id:id}:retry", status_code=202, dependencies=[WRITE])
async def retry_post(console: TheConsole, post_id: Id, account_id: Id) -> Decided:
    """Publish a failed or held post again, now; what becomes of it is told by its state."""
    return await decide(console, PublishRetryRequested(post_id=post_id, account_id=account_id))


@router.post(
    "/v1/posts/{post_id:id}/accounts/{account_id:id}:resolve",
    status_code=202,
    openapi_extra=documented(Resolution),
    dependencies=[WRITE],
)
async def resolve_post(
    console: TheConsole,
    post_id: Id,
    account_id: Id,
    resolution: Annotated[Resolution, Depends(body_of(Resolution))],
) -> Decided:
    """Settle a post that may or may not have been published, as a person found it on the platform.

    With `ask_network` the very same request is sent again where the network recognises it; else the network is asked
    for the post. Where it does neither, the outcome stays unknown.
    """
    request = PublishResolveRequested(
        post_id=post_id,
        account_id=account_id,
        outcome=resolution.outcome,
        platform_post_id=resolution.platform_post_id,
    )
    return await decide(console, request)


@router.post("/v1/accounts/{account_id:id}:retry-held", status_code=202, dependencies=[WRITE])
async def retry_held_posts(
    console: TheConsole,
    account_id: Id,
    *,
    cursor: str | None = None,
    limit: PageSize = MOST_ON_A_PAGE,
) -> HeldRetried:
    """Publish the held posts of an account again, now, in the order in which they were due."""
    account = await _known_account(console, account_id)
    held = Filter(states=[State.HELD], account_ids=[account_id], is_ascending=True)
    listed = await console.queries.list_posts(held, place_in(cursor), limit + 1)
    page, following = paged(listed, limit, lambda one: str(one.cursor))
    if page:
        _require_connected(account)
    requests = [PublishRetryRequested(post_id=one.post.post_id, account_id=account_id) for one in page]
    return HeldRetried(
        account_id=account_id,
        correlation_id=await console.requests.send_all(requests),
        post_ids=[request.post_id for request in requests],
        next=following,
    )


async def _known_account(console: Console, account_id: str) -> RowMapping:
    known = await console.queries.accounts(account_id)
    if not known:
        reason = f"{account_id!r} holds no posts: no account of that name is known; `timeball accounts list` shows all"
        raise Refusal(404, "not_found", reason, field="account_id")
    return known[0]


def _require_connected(account: RowMapping) -> None:
    """Posts of an account that cannot publish would only be held again."""
    if not takes_posts(account):
        account_id = account["account_id"]
        raise Refusal(
            409, "not_connected", f"account {account_id!r} is not connected: connect it, then retry what it holds"
        )


async def decide(
    console: Console, request: PublishRetryRequested | PublishResolveRequested, *, message_id: str | None = None
) -> Decided:
    """Ask, where the post is in a state for it, and wait for the fact that tells how it stands then."""
    states = RETRIABLE if isinstance(request, PublishRetryRequested) else RESOLVABLE
    await _require_state(console, request.post_id, request.account_id, states)
    until = _tells_of(request.post_id, request.account_id)
    answers = await console.requests.send_and_wait(request, until, message_id=message_id)
    for rejected in answers.of_type(ScheduleRejected):
        raise Refusal(404 if rejected.code == "not_found" else 409, rejected.code, rejected.reason)
    told = progress_of(answers.facts[-1]) if answers.is_complete else None
    return Decided(
        correlation_id=answers.correlation_id,
        asked_at=answers.asked_at,
        post_id=request.post_id,
        account_id=request.account_id,
        state=told.state if told else None,
        pending=not answers.is_complete,
    )


def _tells_of(post_id: str, account_id: str) -> Until:
    """Settled by the first fact that tells how far the post has come on the account, or why it stays as it is."""

    def until(fact: Event) -> bool:
        named = getattr(fact, "post_id", None), getattr(fact, "account_id", None)
        return named == (post_id, account_id) and (isinstance(fact, ScheduleRejected) or progress_of(fact) is not None)

    return until


async def _require_state(console: Console, post_id: str, account_id: str, states: frozenset[State]) -> None:
    listed = await known_post(console, post_id)
    found = [one.post.state for one in listed if one.post.account_id == account_id]
    if not found:
        raise Refusal(404, "not_found", f"post {post_id!r} is not scheduled for account {account_id!r}")
    if found[0] not in states:
        wanted = " or ".join(sorted(states))
        raise Refusal(409, WRONG_STATE, f"post {post_id!r} on {account_id!r} is {found[0]}, not {wanted}")
