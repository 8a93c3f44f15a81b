"""`/posts/{id}`: one post on each of its accounts, what happened to it, and what can be done."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import Console, TheConsole
from services.console.api.dead_letters import LetterView
from services.console.api.matching import etag_of
from services.console.api.paging import paged
from services.console.api.posts import views_of
from services.console.api.views import PostView, RejectionView
from services.console.domain.posts import CANCELLABLE, CHANGEABLE, RESOLVABLE, RETRIABLE
from services.console.read_model.listing import Listed
from services.console.read_model.timeline import Row
from services.console.web.failing import NoSuchPage
from services.console.web.happenings import Happening, told_in
from services.console.web.templating import render
from services.console.web.together import together
from shared.events.base import Id
from shared.events.progress import State

MOST_LETTERS = 20
MOST_OF_A_PLACE = 201
ON_A_PAGE = 50
"""Accounts of a post; of one that is on more those come first where somebody must decide."""
_SHOWN_FIRST = RESOLVABLE | RETRIABLE

router = APIRouter()


@router.get("/posts/{post_id:path}", dependencies=[READ])
async def show_post(
    console: TheConsole,
    request: Request,
    post_id: Id,
    sent: str = "",
    after: Annotated[str, Query(max_length=MOST_OF_A_PLACE)] = "",
) -> Response:
    """One post, on the accounts after a place; right after it was sent it may not be known yet."""
    listed = await console.queries.post(post_id)
    rejections = [RejectionView.model_validate(dict(row)) for row in await console.queries.rejections(post_id)]
    if not listed and not rejections and not sent:
        raise NoSuchPage(f"no post {post_id!r} is known", "See all posts", "/posts")
    page, following = page_of(listed, after)
    views, letters, rules, timelines = await asyncio.gather(
        views_of(console, listed),
        console.queries.dead_letters.resting((), post_id, None, MOST_LETTERS),
        console.queries.account_rules.of(one.post.account_id for one in page),
        _timelines(console, page),
    )
    whole = None if after else together(views)
    return render(
        request,
        "post.html",
        post_id=post_id,
        letters=list(map(LetterView.of, letters)),
        rules=rules,
        posts=_shown(page, {view.account_id: view for view in views}, timelines),
        on_accounts=len(listed),
        states=_counted(listed) if following or after else {},
        is_first=not after,
        following=following,
        whole=whole,
        whole_etag=etag_of([one for one in listed if whole and one.post.account_id in whole.account_ids]),
        rejections=rejections,
        cancellable=CANCELLABLE,
        changeable=CHANGEABLE,
        retriable=RETRIABLE,
        resolvable=RESOLVABLE,
    )


def _shown(
    page: Sequence[Listed], view_of: Mapping[str, PostView], timelines: Sequence[Sequence[Row]]
) -> list[tuple[PostView, list[Happening], str]]:
    """Each account's post, what happened to it, and by what a change of it is matched."""
    return [
        (view_of[one.post.account_id], told_in(timeline), etag_of([one]))
        for one, timeline in zip(page, timelines, strict=True)
    ]


def page_of(listed: Sequence[Listed], after: str) -> tuple[Sequence[Listed], str | None]:
    """The accounts after a place, and the place after which the next ones follow."""
    if len(listed) <= ON_A_PAGE and not after:
        return listed, None
    left = [one for one in sorted(listed, key=_place) if _place(one) > after]
    return paged(left, ON_A_PAGE, _place)


def _counted(listed: Sequence[Listed]) -> Mapping[State, int]:
    counted = Counter(one.post.state for one in listed)
    return {state: counted[state] for state in State if counted[state]}


def _place(listed: Listed) -> str:
    return f"{0 if listed.post.state in _SHOWN_FIRST else 1}{listed.post.account_id}"


async def _timelines(console: Console, listed: Sequence[Listed]) -> list[Sequence[Row]]:
    """One after another: there may be fifty, and connections are few."""
    return [await console.queries.timelines.of(*one.post.key) for one in listed]
