"""How much of an account's limits is used up now: the publisher knows, and is asked."""

from datetime import timedelta

from fastapi import APIRouter

from services.console.api.access import READ
from services.console.api.console import TheConsole
from services.console.api.errors import ErrorAnswer, Refusal
from services.console.requests.sender import any_of
from shared.events.base import Id
from shared.events.limits import AccountLimitsRequested, AccountLimitsTold

PATIENCE = timedelta(seconds=5)

router = APIRouter(tags=["accounts"], responses={404: {"model": ErrorAnswer}, 504: {"model": ErrorAnswer}})


@router.get("/v1/accounts/{account_id:id}:limits", dependencies=[READ])
async def show_limits(console: TheConsole, account_id: Id) -> AccountLimitsTold:
    """What each limit allows and how much of it is taken, those of its app included; it is asked for anew each time."""
    if not await console.queries.accounts(account_id):
        raise Refusal(404, "not_found", f"no account {account_id!r} is known")
    request = AccountLimitsRequested(account_id=account_id)
    answers = await console.requests.send_and_wait(request, any_of(AccountLimitsTold), patience=PATIENCE)
    for told in answers.of_type(AccountLimitsTold):
        return told
    raise Refusal(504, "not_answered", f"the publisher has not answered within {PATIENCE.seconds} s")
