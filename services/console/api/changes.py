"""Changes to posts: edit, cancel, try again, settle an unknown outcome."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from pydantic import ValidationError

from services.console.api.access import WRITE
from services.console.api.bodies import body_of, documented
from services.console.api.console import TheConsole
from services.console.api.errors import ErrorAnswer, Refusal, invalid
from services.console.api.matching import etag_of, on_accounts, require_match
from services.console.api.posts import all_rejected, known_post, schedule, taken
from services.console.api.views import Cancelled, CancelledView, RejectionView, Scheduled, rejections_in
from services.console.read_model.listing import Listed
from services.console.requests.editing import Change, Overtaken, Unchangeable, edit_requests, left_out
from services.console.requests.sender import Answers, each_account
from shared.events.base import Count, Id
from shared.events.progress import State
from shared.events.requests import ScheduleCancelRequested
from shared.events.scheduler import ScheduleCancelled, ScheduleRejected

router = APIRouter(
    tags=["posts"], responses={400: {"model": ErrorAnswer}, 404: {"model": ErrorAnswer}, 409: {"model": ErrorAnswer}}
)

_STATUS = {"not_found": 404, "already_published": 409, "conflict": 409}


@router.patch(
    "/v1/posts/{post_id:id}",
    status_code=202,
    openapi_extra=documented(Change),
    responses={412: {"model": ErrorAnswer}},
    dependencies=[WRITE],
)
async def change_post(
    console: TheConsole,
    post_id: Id,
    change: Annotated[Change, Depends(body_of(Change))],
    account_id: Annotated[list[Id], Query(default_factory=list)],
    if_match: Annotated[str | None, Header()] = None,
) -> Scheduled:
    """Change the time or the content on the accounts where the post is not yet sent.

    What was changed by somebody else since it was looked at is left as it is: 412 where `If-Match` names the ETag of
    `GET`, else 409 with `conflict`.
    """
    known = await known_post(console, post_id)
    listed = on_accounts(post_id, known, account_id)
    require_match(if_match, etag_of(listed), post_id)
    posts = [one.post for one in listed]
    try:
        requests = edit_requests(posts, await console.queries.drafts(posts), change)
    except Unchangeable as error:
        raise Refusal(409, "nothing_to_change", str(error)) from error
    except Overtaken as error:
        raise Refusal(409, "conflict", str(error), field="expected_revision", post_id=post_id) from error
    except ValidationError as error:  # an earlier release has taken what this one refuses
        raise invalid(error, post_id=post_id) from error
    statuses = _STATUS | ({"conflict": 412} if if_match is not None else {})
    named = [one for one in change.account_ids or account_id if not account_id or one in account_id]
    untouched = rejections_in(left_out(post_id, [one.post for one in known], change, named, requests))
    return taken(_together([await schedule(console, request) for request in requests], untouched), statuses)


def _together(parts: Sequence[Scheduled], untouched: Sequence[RejectionView]) -> Scheduled:
    """What the scheduler said to each part: where it took one and refused another, or was not asked, both are told."""
    return Scheduled(
        post_id=parts[0].post_id,
        correlation_id=parts[0].correlation_id,
        asked_at=parts[0].asked_at,
        accepted=[accepted for part in parts for accepted in part.accepted],
        rejected=[rejected for part in parts for rejected in part.rejected] + list(untouched),
        pending=any(part.pending for part in parts),
    )


@router.delete("/v1/posts/{post_id:id}", status_code=202, responses={412: {"model": ErrorAnswer}}, dependencies=[WRITE])
async def cancel_post(
    console: TheConsole,
    post_id: Id,
    account_id: Annotated[list[Id], Query(default_factory=list)],
    if_match: Annotated[str | None, Header()] = None,
    expected_revision: Annotated[Count | None, Query()] = None,
) -> Cancelled:
    """Cancel a post on the accounts named, or on all; what has been published stays published.

    What somebody else has changed since stays: 412 where `If-Match` names the ETag of `GET`, else 409 with `conflict`
    where the post is not at `expected_revision`. Seen with `If-Match` on one account, its revision is expected as well.
    """
    known = await console.queries.post(post_id)
    if if_match is not None:
        seen = on_accounts(post_id, known, account_id)
        require_match(if_match, etag_of(seen), post_id)
        expected_revision = _only_revision(seen) if expected_revision is None else expected_revision
    states = {listed.post.account_id: listed.post.state for listed in known}
    meant = account_id or list(states)
    if meant and all(states.get(one) is State.PUBLISHED for one in meant):
        raise Refusal(409, "already_published", f"post {post_id!r} has been published", post_id=post_id)
    request = ScheduleCancelRequested(
        post_id=post_id, account_ids=tuple(account_id) or None, expected_revision=expected_revision
    )
    until = each_account(meant or [post_id], ScheduleCancelled, ScheduleRejected)
    cancelled = _cancelled(post_id, await console.requests.send_and_wait(request, until))
    if cancelled.rejected and not cancelled.cancelled and not cancelled.pending:
        raise all_rejected(cancelled.rejected, _STATUS | ({"conflict": 412} if if_match is not None else {}))
    return cancelled


def _only_revision(seen: Sequence[Listed]) -> int | None:
    """The revision at which the post is everywhere; one request can expect only one."""
    revisions = {one.post.shown_revision for one in seen}
    return revisions.pop() if len(revisions) == 1 else None


def _cancelled(post_id: str, answers: Answers) -> Cancelled:
    facts = answers.of_type(ScheduleCancelled)
    return Cancelled(
        post_id=post_id,
        correlation_id=answers.correlation_id,
        asked_at=answers.asked_at,
        cancelled=[CancelledView.model_validate(fact.model_dump(exclude={"post_id"})) for fact in facts],
        rejected=rejections_in(answers.of_type(ScheduleRejected)),
        pending=not answers.is_complete,
    )
