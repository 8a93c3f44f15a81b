"""`/bulk/{run}`: an act on many posts, before it is started, while it goes on, and what became of each."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.bulk import list_items, list_runs, show_run
from services.console.api.console import TheConsole
from services.console.api.errors import Refusal
from services.console.api.posts import views_of
from services.console.requests.bulk_runs import MOST_POSTS
from services.console.web.failing import NoSuchPage
from services.console.web.templating import render

ON_A_PAGE = 100

router = APIRouter()


@router.get("/bulk", dependencies=[READ])
async def show_runs(console: TheConsole, request: Request) -> Response:
    """The latest acts on many posts."""
    return render(request, "bulk_runs.html", runs=(await list_runs(console, 50)).runs)


@router.get("/bulk/{run_id}", dependencies=[READ])
async def show_bulk_run(
    console: TheConsole,
    request: Request,
    run_id: str,
    *,
    outcome: Literal["", "done", "pending", "refused"] = "",
    after: Annotated[int, Query(ge=-1, le=MOST_POSTS)] = -1,
) -> Response:
    """One act, with its posts."""
    try:
        run = await show_run(console, run_id)
    except Refusal as refusal:
        raise NoSuchPage(refusal.problem.detail, "Go to posts", "/posts") from refusal
    page = await list_items(console, run_id, outcome=outcome or None, after=after, limit=ON_A_PAGE)
    keys = [(item.post_id, item.account_id) for item in page.items]
    posts = await views_of(console, await console.queries.posts_named(keys))
    said = {(post.post_id, post.account_id): post for post in posts}
    return render(request, "bulk.html", run=run, page=page, said=said, outcome=outcome)
