"""`/posts`: every post, by state and account, in pages."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import Console, TheConsole
from services.console.api.paging import paged
from services.console.api.posts import views_of
from services.console.domain.posts import COMING, DROPPED, TO_DECIDE
from services.console.read_model.listing import Filter, Listed
from services.console.requests.bulk_runs import MOST_POSTS
from services.console.web.failing import NoSuchPage, place_or_missing
from services.console.web.networks import by_network
from services.console.web.templating import render
from shared.events.base import Instant
from shared.events.progress import State

ON_A_PAGE = 50
MOST_FOUND = 50
MOST_LOOKED_FOR = 200
VIEWS = (
    ("Coming", COMING),
    ("To decide", TO_DECIDE),
    ("Failed", (State.FAILED,)),
    ("Published", (State.PUBLISHED,)),
    ("Dropped", DROPPED),
    ("All", ()),
)
"""What people look for, by the states it means. The first is shown to whoever does not say what they look for."""

_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)

router = APIRouter()


@router.get("/posts", dependencies=[READ])
async def show_posts(
    console: TheConsole,
    request: Request,
    *,
    state: Annotated[list[State | Literal["all"]], Query(default_factory=list)],
    account: Annotated[list[str], Query(default_factory=list)],
    cursor: str | None = None,
    q: Annotated[str, Query(max_length=MOST_LOOKED_FOR)] = "",
    due_from: Annotated[str, Query(alias="from")] = "",
    due_to: Annotated[str, Query(alias="to")] = "",
) -> Response:
    """A page of posts: those to come the next one first, others the latest first; or what is found."""
    named, due, looked_for = [one for one in account if one], (_instant(due_from), _instant(due_to)), q.strip()
    wanted = _meant(state, named, due, looked_for)
    page, following = await _page(console, wanted, looked_for, cursor)
    posts, counts, accounts, matching = await asyncio.gather(
        views_of(console, page),
        console.queries.counts.by_state(),
        console.queries.networks(),
        _matching(console, wanted, looked_for),
    )
    return render(
        request,
        "posts.html",
        posts=posts,
        views=_views(counts),
        state=state,
        states=wanted.states,
        is_empty=not any(counts.values()),
        account=named[0] if named else "",
        accounts=by_network(accounts),
        q=looked_for,
        due=due,
        asked={"account": named, "q": [q] if q else [], "from": _text(due[0]), "to": _text(due[1])},
        wanted=_wanted(wanted, looked_for),
        matching=matching,
        is_cut=bool(looked_for) and len(page) == MOST_FOUND,
        has_cursor=cursor is not None,
        following=following,
    )


def _meant(
    state: Sequence[State | Literal["all"]],
    account_ids: Sequence[str],
    due: tuple[datetime | None, datetime | None],
    looked_for: str,
) -> Filter:
    """The posts that are asked for; whoever does not say which is shown those to come."""
    is_open = not state and not looked_for and not any(due)
    states = COMING if is_open else tuple(one for one in state if one != "all")
    is_to_come = bool(states) and set(states) <= set(COMING)
    return Filter(states, account_ids, *due, is_ascending=is_to_come or due[0] is not None)


async def _page(
    console: Console, wanted: Filter, looked_for: str, cursor: str | None
) -> tuple[Sequence[Listed], str | None]:
    """The posts of a page, and where the next one begins."""
    if looked_for:
        return await console.queries.search.find(looked_for, wanted, MOST_FOUND), None
    listed = await console.queries.list_posts(wanted, place_or_missing(cursor, "/posts"), ON_A_PAGE + 1)
    return paged(listed, ON_A_PAGE, lambda one: str(one.cursor))


def _views(counts: Mapping[str, int]) -> list[tuple[str, tuple[State, ...], int]]:
    """What people look for, with how many posts are like that."""
    return [(name, states, sum(counts[state] for state in states or State)) for name, states in VIEWS]


async def _matching(console: Console, wanted: Filter, looked_for: str) -> str | None:
    """How many there are, as far as an act may be about so many; None of what is looked for by words."""
    if looked_for:
        return None
    count = await console.queries.count_posts(wanted, MOST_POSTS + 1)
    return f"{count:,}" if count <= MOST_POSTS else f"{MOST_POSTS:,} and more"


def _wanted(wanted: Filter, looked_for: str) -> Mapping[str, Any]:
    """The posts of this list, as an act on many posts names them."""
    due = {"due_from": wanted.due_from, "due_to": wanted.due_to}
    named = {"state": list(wanted.states), "account_id": list(wanted.account_ids), "q": looked_for}
    return named | {name: instant.isoformat() for name, instant in due.items() if instant}


def _instant(text: str) -> datetime | None:
    try:
        return _INSTANT.validate_python(text) if text else None
    except (
        ValidationError
    ) as error:  # a time without an offset as well: it would be taken as one of this machine's zone
        raise NoSuchPage(f"{text!r} is no instant to list posts from or to", "Show all posts", "/posts") from error


def _text(instant: datetime | None) -> list[str]:
    return [instant.isoformat()] if instant else []
