"""`/connect/{network}`: connect an account, or connect it again, with a form."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import ADMIN
from services.console.api.console import TheConsole
from services.console.api.views import AccountView
from services.console.web.failing import NoSuchPage
from services.console.web.networks import NETWORK_FORMS
from services.console.web.pages.network_sign_in import back_address
from services.console.web.templating import render

router = APIRouter()


@router.get("/connect/{platform}", dependencies=[ADMIN])
async def show_connect(console: TheConsole, request: Request, platform: str, account: str = "") -> Response:
    """The network's form; of an account that is known, with what is in clear filled in."""
    form = NETWORK_FORMS.get(platform)
    if form is None:
        raise NoSuchPage(f"no network {platform!r} is known", "See all networks", "/accounts")
    rows = await console.queries.accounts(account) if account else []
    known = AccountView.of(rows[0]) if rows else None
    same = known if known and known.platform == platform else None
    return render(
        request,
        "connect.html",
        platform=platform,
        form=form,
        account_id=account,
        back=back_address(console, request),
        known=known,
        settings=(same.settings or {}) if same else {},
        limits=(same.limits or {}) if same else {},
    )
