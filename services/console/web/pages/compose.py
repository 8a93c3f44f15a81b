"""`/compose`: write a post, and see what the networks say to it and how it will look."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from secrets import token_hex
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import Console, TheConsole
from services.console.api.views import AccountView
from services.console.requests.repeating import MOST_TIMES, Every
from services.console.web.checking import Network, Problem, Written, checked
from services.console.web.networks import title_of
from services.console.web.templating import TheViewer, render
from shared.clocks.local_time import UnknownZone, zone_named
from shared.events.explaining import explain

MOST_AT_A_GLANCE = 12
"""Of more accounts than so many one is looked for."""
USUALLY_AHEAD = timedelta(hours=1)
REPEATS = (
    (Every.DAY, "every day"),
    (Every.WEEKDAY, "Monday to Friday"),
    (Every.WEEK, "every week"),
    (Every.FORTNIGHT, "every two weeks"),
    (Every.MONTH, "every month"),
)

router = APIRouter()


@router.post("/compose/check", dependencies=[READ])
async def check(console: TheConsole, request: Request, viewer: TheViewer) -> Response:
    """What the networks say to a post that is being written; nothing is sent."""
    try:
        written = Written.model_validate_json(await request.body())
    except ValidationError as error:
        return render(
            request, "compose_checked.html", viewer=viewer, said=None, problems_found=[Problem(explain(error))]
        )
    networks = await _networks(console, [target.account_id for target in written.targets])
    said = await asyncio.to_thread(checked, written, networks, viewer.now)  # a long text takes a while
    zone = _zone(written.publish_at.zone if written.publish_at else "") or viewer.zone
    return render(request, "compose_checked.html", viewer=viewer, said=said, zone=zone, problems_found=said.problems)


@router.get("/compose", dependencies=[READ])
async def show_compose(console: TheConsole, request: Request, viewer: TheViewer, at: str = "") -> Response:
    """An empty post, in an hour or at the wall-clock time `at`."""
    known = [AccountView.of(row) for row in await console.queries.accounts()]
    connected = [account for account in known if account.connected]
    rules = await console.queries.account_rules.of(account.account_id for account in connected)
    distinct = list(dict.fromkeys(rules.get(account.account_id) for account in connected))
    ahead = (viewer.now + USUALLY_AHEAD).replace(minute=0, second=0, microsecond=0)
    return render(
        request,
        "compose.html",
        viewer=viewer,
        accounts=[(account, distinct.index(rules.get(account.account_id))) for account in connected],
        most_at_a_glance=MOST_AT_A_GLANCE,
        all_rules=distinct,
        network=title_of,
        said=checked(Written(), {}, viewer.now),
        asked_at=at,
        at=at or viewer.field(ahead),
        repeats=REPEATS,
        most_times=MOST_TIMES,
        post_id=f"post-{viewer.now:%Y%m%d}-{token_hex(4)}",
    )


async def _networks(console: Console, account_ids: Iterable[str]) -> dict[str, Network]:
    wanted = set(account_ids)
    rules = await console.queries.account_rules.of(wanted)
    known = [AccountView.of(row) for row in await console.queries.accounts()]
    return {
        one.account_id: Network(one.platform, rules.get(one.account_id), one.connected, one.needs_reconnect)
        for one in known
        if one.account_id in wanted
    }


def _zone(name: str) -> ZoneInfo | None:
    try:
        return zone_named(name)
    except UnknownZone:
        return None
