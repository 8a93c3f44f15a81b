"""Tokens: renewed ahead of their end and on demand, by one replica at a time.

Some networks rotate the refresh token at every use: two refreshes at once lose the account. So a renewal begins with a
lease on the account's row, and ends with new tokens that are written only over the very ones it began with. Within a
process one renews, and all others who want the account's new tokens wait for what it gets.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from services.publisher.accounts.at_rest import AtRest
from services.publisher.accounts.connect_lock import LOOK_EVERY, MOST_LOOKS
from services.publisher.accounts.credentials import LEASE, is_being_renewed, opened, same_secrets, with_renewed
from services.publisher.accounts.facts import refresh_failed, refreshed
from services.publisher.accounts.single_flight import SingleFlight
from services.publisher.domain import StoredAccount
from services.publisher.platforms.base import Platform, Renewed
from services.publisher.platforms.errors import (
    NEEDS_RECONNECT,
    NotSent,
    PlatformError,
    RateLimited,
    Transient,
    Unauthorized,
    Unavailable,
)
from services.publisher.platforms.exchange import network_failures
from shared.clocks.awake_timeout import AwakeTimeout
from shared.clocks.clock import Clock
from shared.database.errors import is_passing
from shared.messaging.envelope import Envelope
from shared.secrets.vault import Vault

AHEAD = timedelta(seconds=60)
"""A token that ends sooner than this after it is needed is renewed first."""
LONGEST_RENEWAL = timedelta(seconds=20)
"""For every network alike, however short sends may be: shorter than the lease it needs."""
FIRST_LOOK, LONGEST_LOOK = timedelta(seconds=1), timedelta(seconds=4)
"""How soon one looks again whether another replica's renewal has ended; each time twice as long."""
WRITE_AGAIN_IN = timedelta(seconds=0.5)

WrittenT = TypeVar("WrittenT")

log = structlog.get_logger()


class Overtaken(Exception):
    """The account has changed meanwhile: begin again with what it is now."""


@dataclass(frozen=True)
class Tokens:
    """Keeps the accounts' tokens good."""

    at_rest: AtRest
    platforms: Mapping[str, Platform]
    vault: Vault
    clock: Clock
    timeout: timedelta = LONGEST_RENEWAL
    flights: SingleFlight[StoredAccount] = field(default_factory=SingleFlight)

    async def lasting(self, stored: StoredAccount, *, until: datetime) -> StoredAccount:
        """The account with a token that lasts until then; raises PlatformError where it cannot be had."""
        if stored.token_expires_at is None or stored.token_expires_at > until + AHEAD or not self.can_renew(stored):
            return stored
        return await self.renewed(stored)

    async def expire(self, stored: StoredAccount) -> None:
        """Note that this token is refused."""
        current = await self.at_rest.store.account(stored.account_id)
        if current and same_secrets(current, stored, self.vault):
            await self.at_rest.expire(current, self.clock.now())

    async def renewed(self, stored: StoredAccount, *, correlation_id: str | None = None) -> StoredAccount:
        """The account with newer tokens than these, whoever fetches them; raises PlatformError."""
        tokens = stored.account_id, stored.credentials, stored.renewed
        return await self.flights.join(tokens, lambda: self._newer(stored, correlation_id))

    async def renewed_for(self, given: StoredAccount, holder: StoredAccount) -> StoredAccount:
        """`holder` with new tokens, got with credentials that are tried for it; raises PlatformError or Overtaken."""
        tokens = given.credentials, holder.credentials, holder.renewed
        return await self.flights.join(tokens, lambda: self._renewed_for(given, holder))

    async def fetched(self, stored: StoredAccount) -> Renewed:
        """New tokens from the network, for nobody yet."""
        platform, now = self.platforms[stored.platform], self.clock.now()
        async with network_failures(), AwakeTimeout(self.timeout.total_seconds()):
            return await platform.refresh(opened(stored, self.vault), now)

    async def written(self, account: StoredAccount, write: Callable[[], Awaitable[WrittenT]]) -> WrittenT:
        """Write tokens; while the database is away, hold on to them: those that they replace may be worth nothing."""
        while True:
            try:
                return await write()
            except Exception as error:
                if not is_passing(error):
                    raise
                log.warning("tokens_not_written_yet", account_id=account.account_id, error=repr(error))
                await self.clock.sleep(WRITE_AGAIN_IN)

    async def finish(self) -> None:
        """Return when no renewal is under way: one that is cut off may lose an account its tokens."""
        await self.flights.finish()

    def can_renew(self, stored: StoredAccount) -> bool:
        """Whether the account has tokens that end and are renewed."""
        platform = self.platforms.get(stored.platform)
        return platform is not None and platform.can_refresh(opened(stored, self.vault))

    async def _newer(self, stored: StoredAccount, correlation_id: str | None) -> StoredAccount:
        look_in = FIRST_LOOK
        while True:
            current = await self._to_renew(stored.account_id)
            if not same_secrets(current, stored, self.vault):
                return current
            if current.needs_reconnect:
                raise Unauthorized("the platform gives no new token", code=NEEDS_RECONNECT)
            if held := await self._begun(current):
                if newer := await self._renew(held, correlation_id):
                    return newer
                continue
            await self.clock.sleep(look_in)
            look_in = min(look_in * 2, LONGEST_LOOK)

    async def _begun(self, account: StoredAccount) -> StoredAccount | None:
        """The account under our lease; None where it is another's, or it has changed.

        A replica whose lease ran out may have got tokens that it could not write yet, and to use the old ones again
        could end those. So the row is watched for a while first: each look is a write, as the other's would be.
        """
        if is_being_renewed(account, self.clock.now()):
            return None
        for _ in range(MOST_LOOKS if account.renewing_until else 0):
            if not await self.at_rest.is_unchanged(account):
                return None
            await self.clock.sleep(LOOK_EVERY)
        until = self.clock.now() + LEASE
        return replace(account, renewing_until=until) if await self.at_rest.begin(account, until=until) else None

    async def _to_renew(self, account_id: str) -> StoredAccount:
        current = await self.at_rest.store.account(account_id)
        if current is None or not current.connected:
            raise Unauthorized(f"account {account_id!r} is not connected", code=NEEDS_RECONNECT)
        return current

    async def _renew(self, stored: StoredAccount, correlation_id: str | None) -> StoredAccount | None:
        try:
            renewed = await self.fetched(stored)
        except Unauthorized as error:
            if not await self._refuse(stored, error, correlation_id):
                return None
            raise Unauthorized(error.detail.message, code=NEEDS_RECONNECT) from error
        except RateLimited:
            await self.at_rest.end(stored)
            raise
        except PlatformError as error:
            await self.at_rest.end(stored)
            raise _not_renewed(error) from error
        return await self._keep(stored, renewed, correlation_id)

    async def _renewed_for(self, given: StoredAccount, holder: StoredAccount) -> StoredAccount:
        held = await self._begun(holder)
        if held is None:
            raise Overtaken(f"the tokens of {holder.account_id!r} are being renewed, or have been")
        try:
            renewed = await self.fetched(given)
        except PlatformError:
            await self.at_rest.end(held)
            raise
        if kept := await self._keep(held, renewed, None):
            return kept
        raise Overtaken(f"account {holder.account_id!r} has changed while its tokens were renewed")

    async def _keep(self, stored: StoredAccount, renewed: Renewed, correlation_id: str | None) -> StoredAccount | None:
        """The account with its new tokens; None where it was connected anew or disconnected meanwhile."""
        new = with_renewed(stored, renewed, self.vault)
        told = Envelope.of(refreshed(new, self.clock.now()), correlation_id=correlation_id)
        is_kept = await self.written(stored, lambda: self._replace(stored, new, told))
        log.info("tokens_renewed", account_id=stored.account_id, platform=stored.platform, kept=is_kept)
        return new if is_kept else None

    async def _replace(self, stored: StoredAccount, new: StoredAccount, told: Envelope) -> bool:
        """Write new tokens over those that they came of, though these were encrypted with another key meanwhile."""
        current: StoredAccount | None = stored
        while current and same_secrets(current, stored, self.vault):
            if await self.at_rest.keep(current, new, told):
                return True
            current = await self.at_rest.store.account(stored.account_id)
        return False

    async def _refuse(self, stored: StoredAccount, error: PlatformError, correlation_id: str | None) -> bool:
        """False where the account has other tokens by now, of which the refusal says nothing."""
        refusal = refresh_failed(replace(stored, needs_reconnect=True), error.detail, self.clock.now())
        is_noted = await self.at_rest.refuse(stored, Envelope.of(refusal, correlation_id=correlation_id))
        log.warning(
            "tokens_refused", account_id=stored.account_id, platform=stored.platform, error=error.detail.message
        )
        return is_noted


def _not_renewed(error: PlatformError) -> PlatformError:
    """What a post waits for that needs the token; a token server that is away costs it no try."""
    kind = Unavailable if isinstance(error, NotSent | Unavailable) else Transient
    return kind(f"the token was not renewed: {error.detail.message}", code="not_renewed")
