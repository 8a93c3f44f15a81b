"""`/accounts[/{id}]`: which accounts posts can go to, how each is doing, and what waits for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sqlalchemy import RowMapping
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import Console, TheConsole
from services.console.api.paging import paged
from services.console.api.posts import views_of
from services.console.api.views import AccountView
from services.console.domain.posts import COMING
from services.console.read_model.listing import Filter
from services.console.web.failing import NoSuchPage
from services.console.web.networks import NETWORK_FORMS, title_of
from services.console.web.templating import TheViewer, render
from shared.events.base import Id
from shared.events.progress import State

MOST_SHOWN = 10
ON_A_PAGE = 48
"""Accounts: of so many the page has no more than 60 kB."""
PAST = (State.PUBLISHED, State.FAILED, State.UNKNOWN)
ENDS_SOON = timedelta(days=14)
"""Within which the end of an account's access is a warning, where the publisher cannot renew it by itself."""

Place = Annotated[str, Query(max_length=200)]

router = APIRouter()


@router.get("/accounts", dependencies=[READ])
async def show_accounts(console: TheConsole, request: Request, after: Place = "", urgent_after: Place = "") -> Response:
    """Accounts, those first that a person must see to, and the networks where another one can be connected."""
    rows, following = await _page(console, after, urgent_after)
    return render(
        request,
        "accounts.html",
        accounts=list(map(AccountView.of, rows)),
        following=following,
        is_first=not after and not urgent_after,
        networks=NETWORK_FORMS,
        title_of=title_of,
    )


async def _page(console: Console, after: str, urgent_after: str) -> tuple[Sequence[RowMapping], Mapping[str, str]]:
    """Accounts, the first of the others beside the last of the urgent ones; and what the next page is asked for by."""
    page, urgent = console.queries.account_page, list[RowMapping]()
    if not after:
        found = await page(needs_reconnect=True, after=urgent_after, limit=ON_A_PAGE + 1)
        shown, following = paged(found, ON_A_PAGE, _id)
        if following:
            return shown, {"urgent_after": following}
        urgent += shown
    others, following = paged(await page(needs_reconnect=False, after=after, limit=ON_A_PAGE + 1), ON_A_PAGE, _id)
    return [*urgent, *others], {"after": following} if following else {}


def _id(row: RowMapping) -> str:
    return str(row["account_id"])


@router.get("/accounts/{account_id:path}", dependencies=[READ])
async def show_account(console: TheConsole, request: Request, viewer: TheViewer, account_id: Id) -> Response:
    """One account: its health, what waits for it, what is held, and its last posts."""
    rows = await console.queries.accounts(account_id)
    if not rows:
        raise NoSuchPage(f"no account {account_id!r} is known", "See all accounts", "/accounts")
    account = AccountView.of(rows[0])
    shown: dict[str, Any] = {}
    for name, states in (("held", (State.HELD,)), ("coming", COMING), ("past", PAST)):
        wanted = Filter(states, [account_id], is_ascending=name == "coming")
        shown[name] = await views_of(console, await console.queries.list_posts(wanted, None, MOST_SHOWN + 1))
    return render(
        request,
        "account.html",
        viewer=viewer,
        account=account,
        title=title_of(account.platform),
        can_connect=account.platform in NETWORK_FORMS,
        ends_soon=_ends_soon(account, viewer.now),
        rules=(await console.queries.account_rules.of([account_id])).get(account_id),
        most=MOST_SHOWN,
        **shown,
    )


def _ends_soon(account: AccountView, now: datetime) -> bool:
    ends_at = account.token_expires_at
    return ends_at is not None and now < ends_at < now + ENDS_SOON
