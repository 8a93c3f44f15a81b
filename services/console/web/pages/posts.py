"""`/posts`: every post, by state and account, in pages."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import TheConsole
from services.console.api.posts import views_of
from services.console.cursor import BadCursor, Cursor
from services.console.queries import Filter
from services.console.web.asked import NoSuchPage
from services.console.web.templating import render
from shared.events.progress import State

ON_A_PAGE = 50
MOST_FOUND = 50
MOST_LOOKED_FOR = 200
VIEWS = (
    ("Coming", (State.SCHEDULED, State.DISPATCHED, State.SENDING, State.RETRYING)),
    ("To decide", (State.UNKNOWN, State.HELD)),
    ("Failed", (State.FAILED,)),
    ("Published", (State.PUBLISHED,)),
    ("Dropped", (State.CANCELLED, State.SKIPPED)),
    ("All", ()),
)
"""What people look for, by the states it means."""
_STILL_TO_COME = set(VIEWS[0][1])

router = APIRouter()


@router.get("/posts", dependencies=[READ])
async def show_posts(
    console: TheConsole,
    request: Request,
    *,
    state: Annotated[list[State], Query(default_factory=list)],
    account: Annotated[list[str], Query(default_factory=list)],
    cursor: str | None = None,
    q: Annotated[str, Query(max_length=MOST_LOOKED_FOR)] = "",
) -> Response:
    """A page of posts: those to come the next one first, others the latest first; or what is found."""
    named = [one for one in account if one]
    wanted = Filter(state, named, is_ascending=bool(state) and set(state) <= _STILL_TO_COME)
    looked_for = q.strip()
    if looked_for:
        listed = page = await console.search.find(looked_for, wanted, MOST_FOUND)
    else:
        listed = await console.browsing.page(wanted, _place(cursor), ON_A_PAGE + 1)
        page = listed[:ON_A_PAGE]
    return render(
        request,
        "posts.html",
        posts=await views_of(console, page),
        views=VIEWS,
        state=state,
        account=named[0] if named else "",
        accounts=[row["account_id"] for row in await console.queries.accounts()],
        q=looked_for,
        is_cut=bool(looked_for) and len(page) == MOST_FOUND,
        has_cursor=cursor is not None,
        following=str(page[-1].cursor) if len(listed) > len(page) else None,
    )


def _place(cursor: str | None) -> Cursor | None:
    try:
        return Cursor.read(cursor) if cursor else None
    except BadCursor as error:
        raise NoSuchPage("this page of the list cannot be found", "Start at the beginning", "/posts") from error
