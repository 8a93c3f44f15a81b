"""Reacts to events about accounts: connect, disconnect, refresh their tokens."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.publisher.accounts.credentials import forgotten, must_wait_for, stored, unsealed
from services.publisher.accounts.tokens import Tokens
from services.publisher.domain import StoredAccount
from services.publisher.platforms.base import Account, Platform
from services.publisher.platforms.errors import PlatformError, Rejected, Unauthorized
from services.publisher.store import Store
from shared.clock import Clock
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.publisher import (
    AccountConnected,
    AccountDisconnected,
    AccountRefreshed,
    AccountRefreshFailed,
    AccountRefreshRequested,
)
from shared.events.requests import AccountConnectRequested, AccountDisconnectRequested
from shared.events.rules import PostRules
from shared.messaging.envelope import Delivery, Envelope
from shared.messaging.verdict import Park, TryAgain
from shared.sealing import SealingKey
from shared.vault import Vault

RULES_WITHIN = timedelta(seconds=5)

log = structlog.get_logger()


@dataclass(frozen=True)
class Connecting:
    """The publisher's reactions to what becomes of accounts."""

    store: Store
    tokens: Tokens
    vault: Vault
    sealing_key: SealingKey
    clock: Clock

    async def on_account_connect_requested(self, delivery: Delivery[AccountConnectRequested]) -> None:
        """Connect an account, or say why it cannot be."""
        try:
            account = unsealed(delivery.event, self.sealing_key)
            platform = self._platform(account.platform)
            platform.check(account)
        except Rejected as error:
            await self._refuse(delivery.event, error, delivery.correlation_id)
            return
        rules = await _rules(platform, account)
        new = await self._save(delivery, account, platform, rules)
        log.info("account_connected", account_id=account.account_id, platform=account.platform)
        await self._log_in(new, delivery.correlation_id)

    async def on_account_disconnect_requested(self, delivery: Delivery[AccountDisconnectRequested]) -> None:
        """Forget an account's credentials; its posts are held from now on."""
        now = self.clock.now()
        async with self.store.unit() as unit:
            account = await unit.account_to_change(delivery.event.account_id)
            if account is None:
                raise Park(f"account {delivery.event.account_id!r} is not known")
            await unit.save_account(forgotten(account, self.vault, now))
            gone = AccountDisconnected(account_id=account.account_id, platform=account.platform, changed_at=now)
            await unit.emit([Envelope.of(gone, correlation_id=delivery.correlation_id)])
        log.info("account_disconnected", account_id=account.account_id, platform=account.platform)

    async def on_account_refresh_requested(self, delivery: Delivery[AccountRefreshRequested]) -> None:
        """Renew an account's tokens before they end."""
        account = await self.store.account(delivery.event.account_id)
        if account is None or not account.connected:
            raise Park(f"account {delivery.event.account_id!r} is not connected")
        if not self.tokens.can_renew(account):
            await self._tell(_lasts(account, self.clock.now()), delivery.correlation_id)
            return
        try:
            await self.tokens.renewed(account, correlation_id=delivery.correlation_id)
        except Unauthorized:
            return  # told by whoever found out
        except PlatformError as error:
            await self._tell(_failed(account, error.detail, self.clock.now()), delivery.correlation_id)

    async def _save(
        self, delivery: Delivery[AccountConnectRequested], account: Account, platform: Platform, rules: PostRules
    ) -> StoredAccount:
        now = self.clock.now()
        async with self.store.unit() as unit:
            previous = await unit.account_to_change(account.account_id)
            new = stored(delivery.event, account, platform, previous, vault=self.vault, now=now)
            if wait := must_wait_for(previous, new, now):
                raise TryAgain(wait)
            await unit.save_account(new)
            told = _connected(new, rules, now, can_refresh=self.tokens.can_renew(new))
            await unit.emit([Envelope.of(told, correlation_id=delivery.correlation_id)])
        return new

    async def _log_in(self, account: StoredAccount, correlation_id: str) -> None:
        """Get the first token where there is none yet: wrong credentials show now, not when a post is due."""
        if account.token_expires_at is None or account.token_expires_at > self.clock.now():
            return
        try:
            await self.tokens.renewed(account, correlation_id=correlation_id)
        except PlatformError as error:
            log.warning("no_first_token", account_id=account.account_id, error=error.detail.message)

    def _platform(self, name: str) -> Platform:
        platform = self.tokens.platforms.get(name)
        if platform is None:
            known = ", ".join(sorted(self.tokens.platforms))
            raise Rejected(f"platform: {name!r} is not known; choose one of {known}", code="unknown_platform")
        return platform

    async def _refuse(self, request: AccountConnectRequested, error: Rejected, correlation_id: str) -> None:
        """Tell what is wrong; an account that works goes on as it was, and needs nobody."""
        known = await self.store.account(request.account_id)
        works = known is not None and known.connected and not known.needs_reconnect
        refusal = AccountRefreshFailed(
            account_id=request.account_id,
            platform=request.platform,
            token_expires_at=known.token_expires_at if known and works else None,
            error=error.detail,
            needs_reconnect=not works,
        )
        await self._tell(refusal, correlation_id)
        log.warning("account_refused", account_id=request.account_id, reason=error.detail.message)

    async def _tell(self, event: Event, correlation_id: str) -> None:
        async with self.store.unit() as unit:
            await unit.emit([Envelope.of(event, correlation_id=correlation_id)])


async def _rules(platform: Platform, account: Account) -> PostRules:
    """The rules the platform has for this account; in doubt none, since the platform itself will check."""
    try:
        async with asyncio.timeout(RULES_WITHIN.total_seconds()):
            return await platform.rules(account)
    except TimeoutError:
        log.warning("rules_unknown", account_id=account.account_id, platform=account.platform)
        return PostRules()


def _connected(account: StoredAccount, rules: PostRules, now: datetime, *, can_refresh: bool) -> AccountConnected:
    expires_at = account.token_expires_at
    return AccountConnected(
        account_id=account.account_id,
        platform=account.platform,
        token_expires_at=expires_at if expires_at and expires_at > now else None,
        refresh_expires_at=account.refresh_expires_at,
        can_refresh=can_refresh,
        rules=rules if rules != PostRules() else None,
        changed_at=now,
    )


def _lasts(account: StoredAccount, now: datetime) -> AccountRefreshed:
    return AccountRefreshed(
        account_id=account.account_id,
        platform=account.platform,
        token_expires_at=account.token_expires_at,
        refresh_expires_at=account.refresh_expires_at,
        changed_at=now,
    )


def _failed(account: StoredAccount, error: ErrorDetail, now: datetime) -> AccountRefreshFailed:
    return AccountRefreshFailed(
        account_id=account.account_id,
        platform=account.platform,
        token_expires_at=account.token_expires_at,
        error=error,
        needs_reconnect=False,
        changed_at=now,
    )
