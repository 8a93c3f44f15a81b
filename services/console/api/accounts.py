"""Accounts: connect and disconnect them, look at them and their limits. Credentials are sealed at once, never kept."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BeforeValidator, Field, JsonValue
from sqlalchemy import RowMapping

from services.console.api.access import ADMIN, READ
from services.console.api.bodies import documented, json_object, read_body
from services.console.api.console import Console, TheConsole
from services.console.api.errors import ErrorAnswer, Refusal, field_in
from services.console.api.views import AccountList, AccountView
from services.console.requests.sender import any_of
from shared.events.base import Id, Name, NewId, Options, Text, Value
from shared.events.limits import AccountLimitsRequested, AccountLimitsTold
from shared.events.publisher import AccountConnected, AccountConnectFailed, AccountDisconnected, AccountDisconnectFailed
from shared.events.requests import AccountConnectRequested, AccountDisconnectRequested, AccountLimits
from shared.secrets.sealing import seal

CONNECT_PATIENCE = timedelta(seconds=15)
"""The publisher tries the credentials for some seconds before it says that the network does not answer."""
LIMITS_PATIENCE = timedelta(seconds=5)

_OURS = ("invalid_settings", "invalid_credentials", "unknown_platform", "unreadable_credentials")
"""Refusals in our own words, which begin with the field; a network begins as it likes."""

router = APIRouter(tags=["accounts"], responses={400: {"model": ErrorAnswer}, 404: {"model": ErrorAnswer}})


def _named(limits: object) -> object:
    """The limits, where each is one that there is: one that is ignored would be exceeded."""
    if isinstance(limits, dict) and (unknown := limits.keys() - AccountLimits.model_fields):
        raise ValueError(f"no limit is called {min(unknown)!r}; there are {', '.join(AccountLimits.model_fields)}")
    return limits


Limits = Annotated[AccountLimits, BeforeValidator(_named)]


class Connection(Value):
    """How to reach an account: `credentials` in clear (sealed at once), or already sealed for the publisher."""

    platform: Name
    settings: Options = Field(default_factory=dict)
    credentials: dict[str, JsonValue] | None = None
    sealed_credentials: Text | None = None
    limits: Limits | None = None


@router.get("/v1/accounts", dependencies=[READ])
async def list_accounts(console: TheConsole) -> AccountList:
    """Every account that is or was connected."""
    return AccountList(accounts=[AccountView.of(row) for row in await console.queries.accounts()])


@router.get(  # before the one below, whose id may have a colon
    "/v1/accounts/{account_id:id}:limits", responses={504: {"model": ErrorAnswer}}, dependencies=[READ]
)
async def show_limits(console: TheConsole, account_id: Id) -> AccountLimitsTold:
    """What each limit allows and how much of it is taken, those of its app included; it is asked for anew each time."""
    await _require_known(console, account_id)
    request = AccountLimitsRequested(account_id=account_id)
    answers = await console.requests.send_and_wait(request, any_of(AccountLimitsTold), patience=LIMITS_PATIENCE)
    for told in answers.of_type(AccountLimitsTold):
        return told
    raise Refusal(504, "not_answered", f"the publisher has not answered within {LIMITS_PATIENCE.seconds} s")


@router.get("/v1/accounts/{account_id:id}", dependencies=[READ])
async def show_account(console: TheConsole, account_id: Id) -> AccountView:
    """One account."""
    return await _view(console, account_id)


@router.put("/v1/accounts/{account_id:id}", openapi_extra=documented(Connection), dependencies=[ADMIN])
async def connect_account(console: TheConsole, account_id: NewId, request: Request) -> AccountView:
    """Connect an account, or connect it again with other settings or credentials, which are tried first."""
    credentials, body = _without_credentials(await request.body())
    connection = read_body(Connection, body)
    return await connected(console, account_id, connection, credentials)


async def connected(
    console: Console, account_id: Id, connection: Connection, credentials: Mapping[str, Any] | None
) -> AccountView:
    """Ask for the connection and wait for what the publisher says; refuse where the network refuses it."""
    wanted = _wanted(account_id, connection, credentials, console)
    answers = await console.requests.send_and_wait(
        wanted, any_of(AccountConnected, AccountConnectFailed), patience=CONNECT_PATIENCE
    )
    for failed in answers.of_type(AccountConnectFailed):
        code, reason = failed.error.code, failed.error.message
        field = field_in(reason) if code in _OURS else None
        raise Refusal(409 if code == "superseded" else 400, code, reason, field=field)
    if not answers.is_complete:
        return await _pending(console, wanted)
    answers.require_learned()
    return await _view(console, account_id)


def _without_credentials(raw: bytes) -> tuple[Mapping[str, Any] | None, bytes]:
    """The credentials, and the body without them."""
    body, credentials = json_object(raw, without="credentials")
    if credentials is not None and not isinstance(credentials, dict):
        raise Refusal(400, "invalid", "credentials: must be a JSON object", field="credentials")
    return credentials, body


def _wanted(
    account_id: Id, connection: Connection, credentials: Mapping[str, Any] | None, console: Console
) -> AccountConnectRequested:
    if credentials is not None and connection.sealed_credentials is not None:
        raise Refusal(400, "invalid", "send either credentials or sealed_credentials", field="credentials")
    return AccountConnectRequested(
        account_id=account_id,
        platform=connection.platform,
        settings=connection.settings,
        sealed_credentials=seal(credentials, console.public_keys["publisher"])
        if credentials
        else connection.sealed_credentials,
        limits=connection.limits,
        requested_at=console.clock.now(),
    )


async def _pending(console: Console, wanted: AccountConnectRequested) -> AccountView:
    """The account as it is to be; one that works goes on as it was until the publisher has answered."""
    known = await console.queries.accounts(wanted.account_id)
    if known and known[0]["is_connected"]:
        return AccountView.of(known[0]).model_copy(update={"pending": True})
    return AccountView(
        account_id=wanted.account_id,
        platform=wanted.platform,
        connected=False,
        settings=wanted.settings,
        limits=wanted.limits.model_dump(exclude_none=True) if wanted.limits else None,
        token_expires_at=None,
        needs_reconnect=False,
        error=None,
        updated_at=None,
        pending=True,
    )


@router.delete("/v1/accounts/{account_id:id}", dependencies=[ADMIN])
async def disconnect_account(console: TheConsole, account_id: Id) -> AccountView:
    """Disconnect an account and have the publisher forget its credentials."""
    view = await _view(console, account_id)
    request = AccountDisconnectRequested(account_id=account_id, requested_at=console.clock.now())
    answers = await console.requests.send_and_wait(request, any_of(AccountDisconnected, AccountDisconnectFailed))
    for failed in answers.of_type(AccountDisconnectFailed):
        raise Refusal(409, failed.error.code, failed.error.message)
    answers.require_learned()
    return await _view(console, account_id) if answers.is_complete else view.model_copy(update={"pending": True})


async def _view(console: Console, account_id: Id) -> AccountView:
    row = await _require_known(console, account_id)
    rules = (await console.queries.account_rules.of([account_id])).get(account_id)
    return AccountView.of(row).model_copy(update={"rules": rules})


async def _require_known(console: Console, account_id: str) -> RowMapping:
    rows = await console.queries.accounts(account_id)
    if not rows:
        raise Refusal(404, "not_found", f"no account {account_id!r} is known")
    return rows[0]
