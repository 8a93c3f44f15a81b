"""Accounts: whether each is connected, how long its access lasts, and what facts tell of that."""

from dataclasses import dataclass
from datetime import datetime

from services.console.domain.parts import Key, greater
from shared.events import Event
from shared.events.publisher import (
    AccountConnected,
    AccountConnectFailed,
    AccountDisconnected,
    AccountRefreshed,
    AccountRefreshFailed,
)


@dataclass(frozen=True, slots=True)
class Link:
    """Whether an account is connected."""

    changed_at: datetime
    is_connected: bool
    platform: str

    @property
    def order(self) -> datetime:
        return self.changed_at


@dataclass(frozen=True, slots=True)
class Connection:
    """By which request an account was connected last: its settings outlive the connection, to connect it again."""

    connected_at: datetime
    request_id: str

    @property
    def order(self) -> datetime:
        return self.connected_at


@dataclass(frozen=True, slots=True)
class Token:
    """How long an account's access lasts, and what stands in the way of renewing it."""

    changed_at: datetime
    expires_at: datetime | None = None
    needs_reconnect: bool = False
    error: str | None = None

    @property
    def order(self) -> datetime:
        return self.changed_at


@dataclass(frozen=True, slots=True)
class ConnectFailure:
    """Why an account was not connected when somebody last asked for it in vain; it is as it was before."""

    failed_at: datetime
    platform: str
    error: str

    @property
    def order(self) -> datetime:
        return self.failed_at


@dataclass(frozen=True, slots=True)
class Account:
    """One account on one platform."""

    account_id: str
    link: Link | None = None
    token: Token | None = None
    failure: ConnectFailure | None = None
    connection: Connection | None = None

    @property
    def key(self) -> Key:
        return (self.account_id,)


def merged_account(one: Account | None, other: Account) -> Account:
    """What both tell together."""
    if one is None:
        return other
    return Account(
        one.account_id,
        link=greater(one.link, other.link),
        token=greater(one.token, other.token),
        failure=greater(one.failure, other.failure),
        connection=greater(one.connection, other.connection),
    )


def account_in(fact: Event, request_id: str, arrived_at: datetime) -> Account | None:
    """What a fact tells of an account; one that does not say when it happened happened when it arrived."""
    at: datetime = getattr(fact, "changed_at", None) or arrived_at
    match fact:
        case AccountConnected():
            link, connection = Link(at, True, fact.platform), Connection(at, fact.request_id or request_id)
            return Account(fact.account_id, link, Token(at, fact.token_expires_at), connection=connection)
        case AccountConnectFailed():
            return Account(fact.account_id, failure=ConnectFailure(at, fact.platform, fact.error.model_dump_json()))
        case AccountDisconnected():
            return Account(fact.account_id, Link(at, False, fact.platform))
        case AccountRefreshed():
            return Account(fact.account_id, token=Token(at, fact.token_expires_at, fact.needs_reconnect))
        case AccountRefreshFailed():
            error = fact.error.model_dump_json()
            return Account(fact.account_id, token=Token(at, fact.token_expires_at, fact.needs_reconnect, error))
    return None
