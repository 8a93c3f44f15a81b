"""`/calendar/move`: what it would mean to move a post to another time, asked before it is done."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.console.api.access import READ
from services.console.api.console import Console, TheConsole
from services.console.api.errors import Refusal
from services.console.api.matching import on_accounts
from services.console.api.posts import known_post, views_of
from services.console.read_model.due_spans import Place
from services.console.read_model.listing import Listed
from services.console.read_model.rows import takes_posts
from services.console.web.moves import Move, in_words, notes_on
from shared.clocks.local_time import UnknownZone, zone_named
from shared.events.base import Id

MOST_TEXT = 120

router = APIRouter()


class Proposal(BaseModel):
    """The move in words, of the revision that it is about."""

    text: str
    account: str
    revision: int
    before: str
    before_at: datetime
    after: str
    notes: list[str]
    is_possible: bool


@router.get("/calendar/move", dependencies=[READ])
async def propose_move(
    console: TheConsole, post_id: Id, account_id: Id, to: datetime, zone: Annotated[str, Query(max_length=100)]
) -> Proposal:
    """What it would mean; nothing is changed."""
    try:
        return await _proposal(console, post_id, account_id, _move(to, zone))
    except OverflowError as error:
        reason = f"to: {to.isoformat()} is outside the years 1 to 9999 in UTC; choose another time"
        raise Refusal(400, "invalid", reason, field="to") from error


async def _proposal(console: Console, post_id: str, account_id: str, move: Move) -> Proposal:
    (found, *_) = on_accounts(post_id, await known_post(console, post_id), [account_id])
    (view,) = await views_of(console, [found])
    return Proposal(
        text=(view.content or post_id)[:MOST_TEXT],
        account=account_id,
        revision=view.revision,
        before=in_words(found.due_at, move.zone),
        before_at=found.due_at,
        after=in_words(move.instant, move.zone),
        notes=await _notes(console, found, move),
        is_possible=move.is_possible(console.clock.now()),
    )


def _move(to: datetime, zone: str) -> Move:
    try:
        return Move(to.replace(tzinfo=None), zone_named(zone))
    except UnknownZone as error:
        raise Refusal(400, "invalid", f"zone: {error}", field="zone") from error


async def _notes(console: Console, found: Listed, move: Move) -> list[str]:
    post = found.post
    place = Place(post.post_id, post.account_id, move.instant)
    (company,) = await console.queries.due_spans.company([place])
    accounts = await console.queries.accounts(post.account_id)
    is_connected = all(map(takes_posts, accounts))
    return notes_on(move, company, now=console.clock.now(), is_connected=is_connected)
