"""Reacts to withdrawals and to what people ask for. Sending, accounts and callbacks have rooms of their own."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import structlog

from services.publisher.callbacks.telling import told_and_called_back
from services.publisher.domain import Publication
from services.publisher.platforms.base import Published
from services.publisher.refusals import (
    Asked,
    Refused,
    check_may_be_resolved,
    check_may_be_retried,
    check_spelling,
    known,
)
from services.publisher.sending import facts
from services.publisher.sending.evidence import Attempt, Evidence, is_doubtful
from services.publisher.sending.loop import Sending
from services.publisher.sending.taking import asked_of_network, revived
from services.publisher.store import Store, Unit
from services.publisher.unreadable import answer_to_unreadable
from services.publisher.withdrawing import Withdrawn, never_seen, withdraw
from shared.clocks.clock import Clock
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.progress import State
from shared.events.requests import PublishResolveRequested, PublishRetryRequested
from shared.events.scheduler import PublishRequested, PublishWithdrawRequested, ScheduleCancelled
from shared.messaging.envelope import Delivery, Envelope, UnreadableEvent

UNDER_WAY = (State.SENDING, State.RETRYING)
ASKED_AGAIN = ErrorDetail(kind="asked_again", code="asked_again", message="a person asked for it again")
NOT_PUBLISHED = ErrorDetail(kind="resolved", code="not_published", message="a person found that it was not published")

AskedT = TypeVar("AskedT", PublishRetryRequested, PublishResolveRequested)
Act = Callable[[Unit, Delivery[AskedT]], Awaitable[None]]

log = structlog.get_logger()


@dataclass(frozen=True)
class Handlers:
    """The publisher's other reactions; `requests_queue` is where a revived post is sent."""

    store: Store
    clock: Clock
    sending: Sending
    requests_queue: str

    async def on_publish_withdraw_requested(self, delivery: Delivery[PublishWithdrawRequested]) -> None:
        """Stop a post that is not out, and answer what is true of it; what is being sent answers at its end."""
        await self._withdraw(delivery.event, delivery.correlation_id, answers=True)

    async def on_schedule_cancelled(self, delivery: Delivery[ScheduleCancelled]) -> None:
        """Stop a post whatever the scheduler has asked for; only what changes by it is told."""
        await self._withdraw(_withdrawal(delivery.event), delivery.correlation_id, answers=False)

    async def on_live_withdraw_requested(self, delivery: Delivery[PublishWithdrawRequested]) -> None:
        """Know of a withdrawal at the last look."""
        event = delivery.event
        self.sending.note_withdrawal((event.post_id, event.account_id), event.revision, event.reason)

    async def on_publish_retry_requested(self, delivery: Delivery[PublishRetryRequested]) -> None:
        """Try a failed or held post again, with a new set of tries, or say why not; asked twice it is tried once."""
        await self._carry_out(delivery, self._retry)

    async def on_publish_resolve_requested(self, delivery: Delivery[PublishResolveRequested]) -> None:
        """Settle an unknown outcome as a person found it, or have the network settle it, or say why not."""
        await self._carry_out(delivery, self._resolve)

    async def on_unreadable(self, error: UnreadableEvent, correlation_id: str) -> bool:
        """Say what is wrong with a request that is no valid event; False where nobody can be answered."""
        answer = answer_to_unreadable(error.type, error.body, error.reason, self.clock.now())
        if answer is None:
            return False
        await self.store.tell(answer, correlation_id)
        log.warning("request_refused", type=error.type, reason=error.reason)
        return True

    async def _carry_out(self, delivery: Delivery[AskedT], act: Act[AskedT]) -> None:
        """Do it once; what is refused is not remembered, so that it counts as new when it is asked for again."""
        try:
            check_spelling(delivery)
            async with self.store.unit() as unit:
                if await unit.remember(delivery.inbox_id, self.clock.now()):
                    await act(unit, delivery)
        except Refused as refused:
            await self.store.tell(refused.answer(delivery.event), delivery.correlation_id)
            log.warning("request_refused", type=delivery.event.type, reason=str(refused))

    async def _retry(self, unit: Unit, delivery: Delivery[PublishRetryRequested]) -> None:
        publication = await _named(unit, delivery.event)
        if publication.state in UNDER_WAY:
            return
        check_may_be_retried(delivery.event, publication)
        again = revived(publication, self.clock.now())
        await self._request_again(unit, again, delivery.correlation_id, in_doubt=False)

    async def _resolve(self, unit: Unit, delivery: Delivery[PublishResolveRequested]) -> None:
        publication, now = await _named(unit, delivery.event), self.clock.now()
        asks_network = delivery.event.outcome == "ask_network"
        if asks_network and publication.state in UNDER_WAY:
            return
        check_may_be_resolved(delivery.event, publication)
        if asks_network:
            again = asked_of_network(publication, now)
            await self._request_again(unit, again, delivery.correlation_id, in_doubt=True)
            return
        attempts = (await unit.attempts([publication.key])).get(publication.key, ())
        settled, fact, evidence = resolved(publication, delivery.event, attempts, now)
        await unit.save([settled])
        await unit.save_attempts([replace(one, evidence=evidence) for one in attempts if is_doubtful(one, now)])
        told = told_and_called_back([fact], settled.request, correlation_id=delivery.correlation_id, now=now)
        await unit.emit(told)

    async def _withdraw(self, asked: PublishWithdrawRequested, correlation_id: str, *, answers: bool) -> None:
        key, now = (asked.post_id, asked.account_id), self.clock.now()
        async with self.store.unit() as unit:
            current = await _known(unit, never_seen(asked, correlation_id, now, is_told=answers))
            attempts = (await unit.attempts([key])).get(key, ()) if current else ()
            withdrawn = withdraw(asked, current, attempts, now)
            if current and withdrawn.publication:
                await unit.save([withdrawn.publication])
            is_news = current is not None and current.state != State.SKIPPED and withdrawn.publication is not None
            if answers or is_news:
                await unit.emit(_answer(withdrawn, correlation_id, now, is_news=is_news))
        self.sending.note_withdrawal(key, asked.revision, asked.reason)

    async def _request_again(
        self, unit: Unit, publication: Publication, correlation_id: str, *, in_doubt: bool
    ) -> None:
        """The request as it came, straight to our own queue: to others it is no new dispatch."""
        request = PublishRequested.model_validate_json(publication.request)
        again = Envelope.of(request, correlation_id=correlation_id).to("", routing_key=self.requests_queue)
        told = facts.retrying(publication, ASKED_AGAIN, publication.not_before, in_doubt=in_doubt)
        await unit.save([publication])
        await unit.emit([Envelope.of(told, correlation_id=correlation_id), again])


def resolved(
    publication: Publication, asked: PublishResolveRequested, attempts: Sequence[Attempt], now: datetime
) -> tuple[Publication, Event, Evidence]:
    """The publication as a person settled it, the fact that tells of it, and what is known of its attempts by that."""
    if asked.outcome == "published":
        started_at = max((one.start_at for one in attempts), default=publication.updated_at)
        fact: Event = facts.succeeded(publication, Published(asked.platform_post_id), started_at)
        state, evidence = State.PUBLISHED, Evidence.LANDED
    else:
        fact, state, evidence = facts.failed(publication, NOT_PUBLISHED), State.FAILED, Evidence.DISPROVED
    return replace(publication, state=state, outcome=facts.as_text(fact), updated_at=now), fact, evidence


def _answer(withdrawn: Withdrawn, correlation_id: str, now: datetime, *, is_news: bool) -> list[Envelope]:
    """What is told; whoever is to be called back learns of a post that was stopped, not of what is told again."""
    request = withdrawn.publication.request if withdrawn.publication and is_news else ""
    return told_and_called_back(withdrawn.told, request, correlation_id=correlation_id, now=now)


async def _known(unit: Unit, new: Publication) -> Publication | None:
    """The publication as it is, locked; None where it was not there, and has just been written."""
    made = await unit.make([new])
    return None if made else (await unit.publications([new.key]))[new.key]


async def _named(unit: Unit, asked: Asked) -> Publication:
    """The publication a person asks about."""
    key = asked.post_id, asked.account_id
    return known(asked, (await unit.publications([key])).get(key))


def _withdrawal(event: ScheduleCancelled) -> PublishWithdrawRequested:
    return PublishWithdrawRequested(
        post_id=event.post_id,
        account_id=event.account_id,
        revision=event.revision,
        reason="cancelled",
    )
