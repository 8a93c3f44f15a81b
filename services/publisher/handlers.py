"""Reacts to cancellations and to what people ask for. Publishing and accounts have files of their own."""

from dataclasses import dataclass

from services.publisher import facts
from services.publisher.callbacks import told_and_called_back
from services.publisher.domain import Publication, Tombstone, revived, settled
from services.publisher.outcomes import after_success
from services.publisher.platforms.base import Published
from services.publisher.revoked import Revoked
from services.publisher.store import Store, Unit
from shared.clock import Clock
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.progress import State
from shared.events.requests import (
    PublishResolveRequested,
    PublishRetryRequested,
)
from shared.events.scheduler import PublishRequested, ScheduleCancelled
from shared.messaging.envelope import Delivery, Envelope
from shared.messaging.verdict import Park

SUPERSEDED = "superseded"
MAY_BE_RETRIED = (State.FAILED, State.HELD, State.SKIPPED)


@dataclass(frozen=True)
class Handlers:
    """The publisher's other reactions; `requests_queue` is where a revived post is sent."""

    store: Store
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
            told = told_and_called_back(
                [fact], resolved.request, correlation_id=delivery.correlation_id, now=self.clock.now()
            )
            await unit.emit(told)

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
