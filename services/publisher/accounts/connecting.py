"""Reacts to events about accounts: connect, disconnect, refresh their tokens."""

import asyncio
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from weakref import WeakValueDictionary

import structlog

from services.publisher.accounts.asked import asked_at, changed_at, check_not_overtaken, check_spelling, is_overtaken
from services.publisher.accounts.connect_lock import ConnectLock
from services.publisher.accounts.credentials import (
    destination_of,
    forgotten,
    must_wait_for,
    nobody,
    opened,
    stored,
    unsealed,
)
from services.publisher.accounts.facts import refresh_failed, refreshed
from services.publisher.accounts.tokens import Overtaken, Tokens
from services.publisher.accounts.trying import TRY_FOR, Candidate, Trial
from services.publisher.domain import StoredAccount
from services.publisher.platforms.base import Account, Platform
from services.publisher.platforms.errors import PlatformError, Rejected, Unauthorized
from services.publisher.store import Store
from shared.clocks.clock import Clock
from shared.events import Event
from shared.events.publisher import (
    AccountConnected,
    AccountConnectFailed,
    AccountDisconnected,
    AccountDisconnectFailed,
    AccountRefreshRequested,
)
from shared.events.requests import AccountConnectRequested, AccountDisconnectRequested
from shared.events.rules import PostRules
from shared.messaging.envelope import Delivery, Envelope
from shared.messaging.verdict import Park, TryAgain
from shared.secrets.sealing import SealingKey
from shared.secrets.vault import Vault

RULES_WITHIN = timedelta(seconds=5)
AGAIN_IN = timedelta(seconds=1)
"""How soon the credentials are tried again where the account has changed meanwhile."""
MOST_REFRESHING = 10
"""Requests for new tokens at one destination that one process carries out at a time."""
REFRESH_AGAIN_IN = timedelta(seconds=10)

log = structlog.get_logger()


@dataclass(frozen=True)
class Connecting:
    """The publisher's reactions to what becomes of accounts."""

    store: Store
    tokens: Tokens
    vault: Vault
    sealing_key: SealingKey
    clock: Clock
    try_for: timedelta = TRY_FOR
    turns: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    refreshing: Counter[str] = field(default_factory=Counter)

    async def on_account_connect_requested(self, delivery: Delivery[AccountConnectRequested]) -> None:
        """Connect an account whose credentials its network takes, or say why it is not connected."""
        asked = asked_at(delivery, self.clock.now())
        async with self._turn_of(delivery.event.account_id):
            try:
                check_spelling(delivery)
                await self._connect(delivery, asked)
            except PlatformError as error:
                await self._refuse(delivery, error)

    async def on_account_disconnect_requested(self, delivery: Delivery[AccountDisconnectRequested]) -> None:
        """Forget an account's credentials; its posts are held from now on. One that never was is noted as well."""
        try:
            check_spelling(delivery)
            await self._disconnect(delivery)
        except Rejected as error:
            await self._keep(delivery, error)
        except Overtaken:
            await self.on_account_disconnect_requested(delivery)

    async def _disconnect(self, delivery: Delivery[AccountDisconnectRequested]) -> None:
        now, account_id = self.clock.now(), delivery.event.account_id
        asked = asked_at(delivery, now)
        async with self._turn_of(account_id), self.store.unit() as unit:
            account = await unit.account_to_change(account_id)
            check_not_overtaken(asked, account, now)
            if not await unit.remember(delivery.inbox_id, now):
                return
            known = account or nobody(account_id, now)
            gone = replace(forgotten(known, self.vault, changed_at(account, now)), asked_at=asked)
            if not await unit.save_account(gone, is_new=account is None):
                raise Overtaken(f"a later request has connected account {account_id!r}")
            told = AccountDisconnected(account_id=account_id, platform=gone.platform, changed_at=gone.changed_at)
            await unit.tell(told, correlation_id=delivery.correlation_id)
        log.info("account_disconnected", account_id=account_id, platform=gone.platform)

    async def on_account_refresh_requested(self, delivery: Delivery[AccountRefreshRequested]) -> None:
        """Renew an account's tokens before they end."""
        account = await self.store.account(delivery.event.account_id)
        if account is None or not account.connected:
            raise Park(f"account {delivery.event.account_id!r} is not connected")
        try:
            if not self.tokens.can_renew(account):
                await self._tell_of(account, refreshed(account, self.clock.now()), delivery.correlation_id)
                return
            await self._refresh(account, delivery.correlation_id)
        except Unauthorized:
            return  # told by whoever found out
        except PlatformError as error:
            failure = refresh_failed(account, error.detail, self.clock.now())
            await self._tell_of(account, failure, delivery.correlation_id)

    async def _tell_of(self, account: StoredAccount, fact: Event, correlation_id: str) -> None:
        await self.tokens.at_rest.tell(account, Envelope.of(fact, correlation_id=correlation_id))

    def _turn_of(self, account_id: str) -> asyncio.Lock:
        """What concerns one account is done one thing after another, in the order in which it arrived."""
        return self.turns.setdefault(account_id, asyncio.Lock())

    async def _refresh(self, account: StoredAccount, correlation_id: str) -> None:
        """A network that hangs holds up a few requests, and the others rest, so that those of other networks pass."""
        destination = destination_of(account)
        if self.refreshing[destination] >= MOST_REFRESHING:
            raise TryAgain(REFRESH_AGAIN_IN)
        self.refreshing[destination] += 1
        try:
            await self.tokens.renewed(account, correlation_id=correlation_id)
        finally:
            self.refreshing[destination] -= 1
            if not self.refreshing[destination]:
                del self.refreshing[destination]

    async def _connect(self, delivery: Delivery[AccountConnectRequested], asked: datetime) -> None:
        """Try the credentials and store them; where a refresh token may be used up by it, one replica after another."""
        account, platform = self._described(delivery.event)
        may_use_up = platform.can_refresh(account)
        async with ConnectLock(self.store, self.clock).held(account.account_id) if may_use_up else nullcontext():
            await self._try(delivery, asked, account, platform)

    async def _try(
        self, delivery: Delivery[AccountConnectRequested], asked: datetime, account: Account, platform: Platform
    ) -> None:
        """Try the credentials on what is stored, and store them unless that has changed meanwhile: then once more."""
        trial = Trial(self.tokens, self.try_for)
        while True:
            now, known = self.clock.now(), await self.store.account(account.account_id)
            check_not_overtaken(asked, known, now)
            new = stored(delivery.event, account, platform, known, vault=self.vault, now=now)
            try:
                passed = await trial.passed(Candidate.of(replace(new, asked_at=asked), known))
                rules = await _rules(platform, opened(passed.new, self.vault))
                await self.tokens.written(new, partial(self._save, delivery, passed, rules))
            except Overtaken:
                await self.clock.sleep(AGAIN_IN)
            else:
                return

    async def _save(self, delivery: Delivery[AccountConnectRequested], passed: Candidate, rules: PostRules) -> None:
        now = self.clock.now()
        async with self.store.unit() as unit:
            current = await unit.account_to_change(passed.new.account_id)
            new = replace(passed.new, changed_at=changed_at(current, now))
            if is_overtaken(new.asked_at, current, now):
                raise Overtaken(f"a later request has changed account {new.account_id!r}")
            is_changed = not _is_same(current, passed.stored) or must_wait_for(current, new, now)
            if passed.shares_tokens and is_changed:
                raise Overtaken(f"account {new.account_id!r} has changed while its credentials were tried")
            if not await unit.remember(delivery.inbox_id, now):
                return
            if not await unit.save_account(new, is_new=current is None):
                raise Overtaken(f"a later request has added account {new.account_id!r}")
            told = _connected(new, rules, now, delivery.request_id, can_refresh=self.tokens.can_renew(new))
            await unit.tell(told, correlation_id=delivery.correlation_id)
        log.info("account_connected", account_id=new.account_id, platform=new.platform)

    def _described(self, request: AccountConnectRequested) -> tuple[Account, Platform]:
        """The account that is asked for and its platform; Rejected where it can never work."""
        given = unsealed(request, self.sealing_key)
        platform = self._platform(given.platform)
        settings, credentials = platform.cleaned(given.settings, given.credentials)
        account = replace(given, settings=settings, credentials=credentials)
        platform.check(account)
        return account, platform

    def _platform(self, name: str) -> Platform:
        platform = self.tokens.platforms.get(name)
        if platform is None:
            known = ", ".join(sorted(self.tokens.platforms))
            raise Rejected(f"platform: {name!r} is not known; choose one of {known}", code="unknown_platform")
        return platform

    async def _refuse(self, delivery: Delivery[AccountConnectRequested], error: PlatformError) -> None:
        """Say what is wrong; an account that is there goes on as it was."""
        now, request = self.clock.now(), delivery.event
        refusal = AccountConnectFailed(
            account_id=request.account_id, platform=request.platform, error=error.detail, changed_at=now
        )
        if await self._tell_once(delivery, refusal, now):
            log.warning("account_not_connected", account_id=request.account_id, reason=error.detail.message)

    async def _keep(self, delivery: Delivery[AccountDisconnectRequested], error: Rejected) -> None:
        """Say what is wrong; the account stays connected."""
        now, account_id = self.clock.now(), delivery.event.account_id
        kept = AccountDisconnectFailed(account_id=account_id, error=error.detail, changed_at=now)
        if await self._tell_once(delivery, kept, now):
            log.warning("account_not_disconnected", account_id=account_id, reason=error.detail.message)

    async def _tell_once(self, delivery: Delivery[Event], answer: Event, now: datetime) -> bool:
        """Answer a request; False where that has been done before."""
        async with self.store.unit() as unit:
            if is_new := await unit.remember(delivery.inbox_id, now):
                await unit.tell(answer, correlation_id=delivery.correlation_id)
        return is_new


async def _rules(platform: Platform, account: Account) -> PostRules:
    """The rules the platform has for this account; in doubt none, since the platform itself will check."""
    try:
        async with asyncio.timeout(RULES_WITHIN.total_seconds()):
            return await platform.rules(account)
    except TimeoutError:
        log.warning("rules_unknown", account_id=account.account_id, platform=account.platform)
        return PostRules()


def _is_same(one: StoredAccount | None, other: StoredAccount | None) -> bool:
    """Whether nothing has changed that matters to connecting it: it is opened again in any case."""
    return (one and replace(one, closed_until=None)) == (other and replace(other, closed_until=None))


def _connected(
    account: StoredAccount, rules: PostRules, now: datetime, request_id: str, *, can_refresh: bool
) -> AccountConnected:
    expires_at = account.token_expires_at
    return AccountConnected(
        account_id=account.account_id,
        platform=account.platform,
        token_expires_at=expires_at if expires_at and expires_at > now else None,
        refresh_expires_at=account.refresh_expires_at,
        can_refresh=can_refresh,
        rules=rules if rules != PostRules() else None,
        changed_at=account.changed_at,
        request_id=request_id,
    )
