"""Reacts to events about accounts and cancellations, and to what people ask for. Publishing has its own file."""

from dataclasses import dataclass, replace

import structlog

from services.publisher import facts
from services.publisher.accounts import stored, unsealed
from services.publisher.domain import Publication, Tombstone, revived, settled
from services.publisher.outcomes import after_success
from services.publisher.platforms import Platform, Platforms
from services.publisher.platforms.base import Published, Rejected
from services.publisher.revoked import Revoked
from services.publisher.store import Store, Unit
from shared.clock import Clock
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.progress import State
from shared.events.publisher import AccountConnected, AccountDisconnected, AccountRefreshFailed
from shared.events.requests import (
    AccountConnectRequested,
    AccountDisconnectRequested,
    PublishResolveRequested,
    PublishRetryRequested,
)
from shared.events.scheduler import PublishRequested, ScheduleCancelled
from shared.messaging.envelope import Delivery, Envelope
from shared.messaging.verdict import Park
from shared.sealing import SealingKey
from shared.vault import Vault

SUPERSEDED = "superseded"
MAY_BE_RETRIED = (State.FAILED, State.HELD, State.SKIPPED)

log = structlog.get_logger()


@dataclass(frozen=True)
class Handlers:
    """The publisher's other reactions; `requests_queue` is where a revived post is sent."""

    store: Store
    platforms: Platforms
    vault: Vault
    sealing_key: SealingKey
    clock: Clock
    revoked: Revoked
    requests_queue: str

    async def on_schedule_cancelled(self, delivery: Delivery[ScheduleCancelled]) -> None:
        """Leave a tombstone, so that no earlier revision is sent."""
        event = delivery.event
        await self.store.save_tombstone((event.post_id, event.account_id), _tombstone(event), self.clock.now())

    async def hear_schedule_cancelled(self, delivery: Delivery[ScheduleCancelled]) -> None:
        """Know of a cancellation at the last look."""
        event = delivery.event
        self.revoked.add((event.post_id, event.account_id), _tombstone(event))

    async def on_account_connect_requested(self, delivery: Delivery[AccountConnectRequested]) -> None:
        """Connect an account, or say why it cannot be."""
        request, now = delivery.event, self.clock.now()
        try:
            account = unsealed(request, self.sealing_key)
            self._platform(account.platform).check(account)
        except Rejected as error:
            await self._refuse(request, error, delivery.correlation_id)
            return
        connected = AccountConnected(account_id=account.account_id, platform=account.platform, changed_at=now)
        told = Envelope.of(connected, correlation_id=delivery.correlation_id)
        await self.store.save_account(stored(request, account, self.vault, now), told)
        log.info("account_connected", account_id=account.account_id, platform=account.platform)

    async def on_account_disconnect_requested(self, delivery: Delivery[AccountDisconnectRequested]) -> None:
        """Forget an account's credentials; its posts are held from now on."""
        account = await self.store.account(delivery.event.account_id)
        if account is None:
            raise Park(f"account {delivery.event.account_id!r} is not known")
        now = self.clock.now()
        gone = AccountDisconnected(account_id=account.account_id, platform=account.platform, changed_at=now)
        forgotten = replace(account, connected=False, credentials=self.vault.encrypt({}), changed_at=now)
        await self.store.save_account(forgotten, Envelope.of(gone, correlation_id=delivery.correlation_id))
        log.info("account_disconnected", account_id=account.account_id, platform=account.platform)

    async def on_publish_retry_requested(self, delivery: Delivery[PublishRetryRequested]) -> None:
        """Try a failed or held post again, with a new set of attempts."""
        async with self.store.unit() as unit:
            if not await unit.remember(delivery.message_id, self.clock.now()):
                return
            event = delivery.event
            publication = await _waiting(unit, event.post_id, event.account_id, MAY_BE_RETRIED)
            again = revived(publication, self.clock.now())
            await unit.save([again])
            await unit.emit([self._request_again(again, delivery.correlation_id)])

    async def on_publish_resolve_requested(self, delivery: Delivery[PublishResolveRequested]) -> None:
        """Settle an unknown outcome as a person found it."""
        async with self.store.unit() as unit:
            if not await unit.remember(delivery.message_id, self.clock.now()):
                return
            event = delivery.event
            publication = await _waiting(unit, event.post_id, event.account_id, (State.UNKNOWN,))
            resolved, fact = self._resolved(publication, event)
            await unit.save([resolved])
            await unit.emit([Envelope.of(fact, correlation_id=delivery.correlation_id)])

    def _platform(self, name: str) -> Platform:
        platform = self.platforms.get(name)
        if platform is None:
            known = ", ".join(sorted(self.platforms))
            raise Rejected(f"platform: {name!r} is not known; choose one of {known}", code="unknown_platform")
        return platform

    async def _refuse(self, request: AccountConnectRequested, error: Rejected, correlation_id: str) -> None:
        refusal = AccountRefreshFailed(
            account_id=request.account_id, platform=request.platform, error=error.detail, needs_reconnect=True
        )
        async with self.store.unit() as unit:
            await unit.emit([Envelope.of(refusal, correlation_id=correlation_id)])
        log.warning("account_refused", account_id=request.account_id, reason=error.detail.message)

    def _request_again(self, publication: Publication, correlation_id: str) -> Envelope:
        """The request as it came, straight to our own queue: to others it is no new dispatch."""
        request = PublishRequested.model_validate_json(publication.request)
        return Envelope.of(request, correlation_id=correlation_id).to("", routing_key=self.requests_queue)

    def _resolved(self, publication: Publication, event: PublishResolveRequested) -> tuple[Publication, Event]:
        now = self.clock.now()
        if event.outcome == "published":
            outcome = after_success(publication, Published(event.platform_post_id), publication.updated_at, now)
            return outcome.publication, outcome.told[0]
        error = ErrorDetail(kind="resolved", code="not_published", message="a person found that it was not published")
        fact = facts.failed(publication, error)
        return settled(publication, State.FAILED, facts.as_text(fact), now), fact


async def _waiting(unit: Unit, post_id: str, account_id: str, states: tuple[State, ...]) -> Publication:
    """The publication a person asks about, or Park saying why nothing can be done."""
    publication = (await unit.publications([(post_id, account_id)])).get((post_id, account_id))
    if publication is None:
        raise Park(f"post {post_id!r} on account {account_id!r} has not come to the publisher")
    if publication.state not in states:
        wanted = " or ".join(states)
        raise Park(f"post {post_id!r} on account {account_id!r} is {publication.state}, not {wanted}")
    return publication


def _tombstone(event: ScheduleCancelled) -> Tombstone:
    return Tombstone(event.revision, SUPERSEDED if event.reason == SUPERSEDED else "cancelled")
