"""Held posts of an account, all published again once it is connected again."""

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import RowMapping

from services.console.api.access import WRITE
from services.console.api.console import Console, TheConsole
from services.console.api.errors import ErrorAnswer, Refusal
from services.console.api.paging import MOST_ON_A_PAGE, PageSize, paged, place_in
from services.console.read_model.listing import Filter
from services.console.read_model.rows import takes_posts
from shared.events.base import Id
from shared.events.progress import State
from shared.events.requests import PublishRetryRequested

router = APIRouter(
    tags=["posts"], responses={400: {"model": ErrorAnswer}, 404: {"model": ErrorAnswer}, 409: {"model": ErrorAnswer}}
)


class HeldRetried(BaseModel):
    """The held posts that are asked for again; `next` is the cursor for those that follow, if there are more."""

    account_id: str
    correlation_id: str
    post_ids: list[str]
    next: str | None


@router.post("/v1/accounts/{account_id:id}:retry-held", status_code=202, dependencies=[WRITE])
async def retry_held_posts(
    console: TheConsole,
    account_id: Id,
    *,
    cursor: str | None = None,
    limit: PageSize = MOST_ON_A_PAGE,
) -> HeldRetried:
    """Publish the held posts of an account again, now, in the order in which they were due."""
    account = await _known(console, account_id)
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


async def _known(console: Console, account_id: str) -> RowMapping:
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
