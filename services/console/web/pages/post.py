"""`/posts/{id}`: one post on each of its accounts, what happened to it, and what can be done."""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import Console, TheConsole
from services.console.api.dead_letters import LetterView
from services.console.api.matching import etag_of
from services.console.api.posts import views_of
from services.console.api.views import RejectionView
from services.console.domain.posts import CHANGEABLE, RESOLVABLE, RETRIABLE
from services.console.read_model.queries import Listed
from services.console.read_model.timeline import Row
from services.console.web.asked import NoSuchPage
from services.console.web.happenings import told_in
from services.console.web.templating import render
from services.console.web.together import together
from shared.events.base import Id
from shared.events.progress import State

CANCELLABLE = CHANGEABLE - {State.SKIPPED, State.FAILED}

MOST_LETTERS = 20

router = APIRouter()


@router.get("/posts/{post_id:path}", dependencies=[READ])
async def show_post(console: TheConsole, request: Request, post_id: Id, sent: str = "") -> Response:
    """One post; right after it was sent it may not be known yet."""
    listed = await console.queries.post(post_id)
    rejections = [RejectionView.model_validate(dict(row)) for row in await console.queries.rejections(post_id)]
    if not listed and not rejections and not sent:
        raise NoSuchPage(f"no post {post_id!r} is known", "See all posts", "/posts")
    views, letters, rules, timelines = await asyncio.gather(
        views_of(console, listed),
        console.queries.dead_letters.resting((), post_id, None, MOST_LETTERS),
        console.account_rules.of(one.post.account_id for one in listed),
        _timelines(console, listed),
    )
    whole = together(views)
    return render(
        request,
        "post.html",
        post_id=post_id,
        letters=list(map(LetterView.of, letters)),
        rules=rules,
        posts=list(
            zip(
                views,
                [told_in(one) for one in timelines],
                [etag_of([one]) for one in listed],
                strict=True,
            )
        ),
        whole=whole,
        whole_etag=etag_of([one for one in listed if whole and one.post.account_id in whole.account_ids]),
        rejections=rejections,
        cancellable=CANCELLABLE,
        changeable=CHANGEABLE,
        retriable=RETRIABLE,
        resolvable=RESOLVABLE,
    )


async def _timelines(console: Console, listed: Sequence[Listed]) -> list[Sequence[Row]]:
    """One after another: a post may be on a thousand accounts, and connections are few."""
    return [await console.timelines.of(*one.post.key) for one in listed]
