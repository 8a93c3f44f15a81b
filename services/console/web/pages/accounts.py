"""`/accounts`: which accounts posts can go to, and how each is doing."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import TheConsole
from services.console.api.views import AccountView
from services.console.web.templating import render

router = APIRouter()


@router.get("/accounts", dependencies=[READ])
async def show_accounts(console: TheConsole, request: Request) -> Response:
    """Every account."""
    accounts = [AccountView.of(row) for row in await console.queries.accounts()]
    return render(request, "accounts.html", accounts=accounts)
