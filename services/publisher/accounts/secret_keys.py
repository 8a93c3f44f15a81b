"""Secret keys: whether ours fit the secrets at rest, and encrypting them again so that an old key can be dropped."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from services.publisher.accounts.at_rest import AtRest
from services.publisher.accounts.credentials import is_readable, unreadable
from services.publisher.accounts.facts import refresh_failed, refreshed
from services.publisher.domain import StoredAccount
from shared.clocks.clock import Clock
from shared.database.errors import is_passing
from shared.events import Event
from shared.events.keys import KeysRotated, KeysRotateRequested
from shared.messaging.envelope import Delivery, Envelope
from shared.secrets.vault import Vault

LOOK_EVERY = timedelta(hours=1)
AGAIN_IN = timedelta(seconds=1)
MOST_NAMED = 20
ADVICE = "give the publisher the key they were encrypted with in TIMEBALL_SECRET_KEYS, or connect them again"

log = structlog.get_logger()


@dataclass
class SecretKeys:
    """Looks after the keys of the accounts' secrets."""

    at_rest: AtRest
    vault: Vault
    clock: Clock
    service: str

    async def run(self) -> None:
        """At the start and every hour tell of accounts whose secrets no key fits, and of those that one fits again."""
        while True:
            pause = LOOK_EVERY
            try:
                await self.look()
            except Exception as error:
                if not is_passing(error):
                    raise
                pause = AGAIN_IN
            await self.clock.sleep(pause)

    async def problem(self) -> str | None:
        """What is wrong where the secrets of no account can be read: then every post is held."""
        count = 0
        async for account in self.at_rest.accounts(connected_only=True):
            if is_readable(account, self.vault):
                return None
            count += 1
        return f"none of TIMEBALL_SECRET_KEYS fits the credentials of any account ({count})" if count else None

    async def on_keys_rotate_requested(self, delivery: Delivery[KeysRotateRequested]) -> None:
        """Encrypt every account's secrets with the first key, so that the others are not needed any more."""
        rotated, unreadable_ids = 0, []
        async for account in self.at_rest.accounts(connected_only=False):
            if await self._rotate(account):
                rotated += 1
            else:
                unreadable_ids.append(account.account_id)
        done = KeysRotated(
            service=self.service, rotated=rotated, unreadable=tuple(unreadable_ids), changed_at=self.clock.now()
        )
        await self.at_rest.store.tell(done, delivery.correlation_id)
        log.info("keys_rotated", rotated=rotated, unreadable=unreadable_ids[:MOST_NAMED])

    async def _rotate(self, account: StoredAccount) -> bool:
        """False where no key fits. While its tokens are being renewed the account keeps the texts that it has."""
        current: StoredAccount | None = account
        while current is not None:
            if not is_readable(current, self.vault):
                return False
            if await self.at_rest.write_anew(current, _anew(current, self.vault), self.clock.now()):
                return True
            await self.clock.sleep(AGAIN_IN)
            current = await self.at_rest.store.account(account.account_id)
        return True

    async def look(self) -> None:
        """Note and tell what has changed since the last look."""
        unreadable_ids = []
        async for account in self.at_rest.accounts(connected_only=True):
            can_be_read = is_readable(account, self.vault)
            if not can_be_read:
                unreadable_ids.append(account.account_id)
            if can_be_read == account.is_unreadable:
                told = Envelope.of(_told(account, self.clock.now(), can_be_read=can_be_read))
                await self.at_rest.mark(account, is_unreadable=not can_be_read, told=told)
            await asyncio.sleep(0)
        if unreadable_ids:
            named, count = unreadable_ids[:MOST_NAMED], len(unreadable_ids)
            log.error("credentials_unreadable", accounts=named, count=count, advice=ADVICE)


def _anew(account: StoredAccount, vault: Vault) -> StoredAccount:
    renewed = vault.rotate(account.renewed) if account.renewed else None
    return replace(account, credentials=vault.rotate(account.credentials), renewed=renewed)


def _told(account: StoredAccount, now: datetime, *, can_be_read: bool) -> Event:
    return refreshed(account, now) if can_be_read else refresh_failed(account, unreadable(account).detail, now)
