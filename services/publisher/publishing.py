"""The way of one post: claim, prepare, wait for the instant, look once more, send, commit what became of it."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from services.publisher.accounts.tokens import Tokens
from services.publisher.bulkheads import Bulkheads, Turn, Unwell
from services.publisher.claims import Claim, Claims
from services.publisher.destinations import Destinations
from services.publisher.domain import (
    SHORTEST_REST,
    Ambiguous,
    Claimed,
    Delivered,
    Publication,
    Settled,
    StoredAccount,
    Wait,
    too_late,
)
from services.publisher.doubt import Doubts
from services.publisher.outcomes import (
    Outcome,
    after_cancellation,
    after_oversleeping,
    after_postponing,
    after_success,
    after_waiting_too_long,
    starting_over,
)
from services.publisher.platforms.base import Published, Ready
from services.publisher.platforms.errors import PlatformError, Unauthorized, Unconfirmed
from services.publisher.preparation import Preparation
from services.publisher.revoked import Revoked
from services.publisher.settling import Settling
from services.publisher.way import Way
from shared.clock import Clock
from shared.events.progress import State
from shared.events.scheduler import PublishRequested
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import HandBack, Park, TryAgain

MARK_AHEAD = timedelta(milliseconds=300)
"""How long before the start a post is committed as `sending`, so that no commit delays the send."""

EARLY = timedelta(seconds=1)
"""How long before its time a post leaves its retry queue at least, so that it does not miss its rate-limit slot."""

AnswerT = TypeVar("AnswerT")


@dataclass
class Publishing:
    """Brings posts to their platforms, each once."""

    claims: Claims
    settling: Settling
    clock: Clock
    revoked: Revoked
    send_timeout: timedelta
    sends: Bulkheads
    preparation: Preparation
    doubts: Doubts
    tokens: Tokens
    destinations: Destinations = field(default_factory=Destinations)

    def __post_init__(self) -> None:
        self._stopping = asyncio.Event()
        self._waiting: set[asyncio.Task[object]] = set()

    async def on_publish_requested(self, delivery: Delivery[PublishRequested]) -> None:
        """Publish the post once, however often the event arrives."""
        way: Way | None = None
        while True:
            self._turn_away(delivery.event.account_id)
            try:
                way = await self._try(delivery, way)
            except TryAgain as verdict:
                if verdict.delay >= SHORTEST_REST:
                    raise
                await self._until_at_leisure(self.clock.sleep_until(self.clock.now() + verdict.delay))
                continue
            if way is None:
                return

    async def _try(self, delivery: Delivery[PublishRequested], previous: Way | None) -> Way | None:
        """Claim it and do what is to be done; the way that must be gone once more, or None when it is done."""
        delivered = Delivered(delivery.event, delivery.correlation_id, token=uuid4().hex)
        claim = await self.claims.claim(delivered)
        match claim.decision:
            case Wait(until):
                wait = until - self.clock.now()
                raise TryAgain(wait if wait < SHORTEST_REST else wait - EARLY)
            case Settled(publication) if publication.state == State.FAILED and delivery.redelivered:
                raise Park("failed before; its first delivery was interrupted before it was parked")
            case Ambiguous(publication):
                await self._find_out(publication, claim.account)
            case Claimed(publication):
                stored = _of(claim)
                first = Way(publication, stored, delivery.event.late_policy)
                way = previous.once_more(publication, stored) if previous else first
                return None if await self._publish(way) else way
        return None

    async def _publish(self, way: Way) -> bool:
        """Send it at its instant; False when it must start over: taken over, cancelled, overslept, token renewed."""
        self.destinations.learn(way.stored.account_id, way.destination)
        try:
            return await self._prepare_and_send(way)
        except Unwell as unwell:
            await self.settling.settle(way.publication, self._after_turning_away(way, unwell))
            return True

    def _after_turning_away(self, way: Way, unwell: Unwell) -> Outcome:
        """It rests, unless it would then be later than its policy allows."""
        rest, now = timedelta(seconds=unwell.rest_seconds), self.clock.now()
        verdict = too_late(way.policy, way.publication.not_before, now + rest)
        if verdict is None:
            return after_postponing(way.publication, str(unwell), rest, now)
        return after_waiting_too_long(way.publication, verdict, str(unwell), now)

    async def _prepare_and_send(self, way: Way) -> bool:
        try:
            if found := await self.doubts.before_repeating(way.publication, way.stored):
                await self.settling.settle(way.publication, found)
                return True
            if way.ready is None:
                way.stored, way.ready = await self.preparation.prepared(way.publication, way.stored)
        except PlatformError as error:
            tried = replace(way.publication, attempts=way.publication.attempts + 1)
            await self.settling.settle(tried, await self._after_error(way, tried, error, nothing_was_sent=True))
            return not way.starts_over
        turn = await self._until_at_leisure(self._wait_for_turn(way))
        try:
            if way.has_missed_its_time(self.clock.now()):
                return False
            settled_as = await self._mark_and_send(way, way.ready, turn)
        finally:
            self.sends.give_back(way.destination, turn)
        if settled_as is None:
            return False
        await self.settling.settle(way.publication, settled_as)
        return not way.starts_over

    async def _mark_and_send(self, way: Way, ready: Ready, turn: Turn) -> Outcome | None:
        """Commit that it is being sent, then send it at its instant; None where it is no longer ours to send."""
        publication, now = way.publication, self.clock.now()
        lease_until = max(now, publication.start_at) + self.claims.lease
        attempts = publication.attempts + 1
        marked = replace(publication, state=State.SENDING, attempts=attempts, lease_until=lease_until, updated_at=now)
        if not await self.settling.mark_sending(marked, urgent=publication.start_at - now < MARK_AHEAD / 2):
            return None
        await self.clock.sleep_until(publication.start_at)
        if reason := self.revoked.reason(publication):
            return after_cancellation(marked, reason, self.clock.now())
        if self.clock.now() >= lease_until:
            return after_oversleeping(marked, self.clock.now())
        if publication.has_missed_its_slot(self.clock.now()):
            way.starts_over = True
            return starting_over(marked, self.clock.now())
        self.sends.begin(way.destination, turn)
        return await self._send(way, marked, ready, turn)

    async def _send(self, way: Way, marked: Publication, ready: Ready, turn: Turn) -> Outcome:
        started_at = self.clock.now()
        try:
            published = await self._bounded(ready, started_at)
        except PlatformError as error:
            turn.was_answered = not error.is_silence
            return await self._after_error(way, marked, error)
        turn.was_answered = True
        return after_success(marked, published, started_at, self.clock.now())

    async def _after_error(
        self, way: Way, tried: Publication, error: PlatformError, *, nothing_was_sent: bool = False
    ) -> Outcome:
        """What follows from an error; a token that was refused is renewed once, and costs no attempt."""
        if isinstance(error, Unauthorized) and way.may_renew and await self.tokens.expire(way.stored):
            way.renewed = way.starts_over = True
            return starting_over(tried, self.clock.now())
        if nothing_was_sent:
            return self.doubts.after_failure(tried, error, deduplicates=True)
        return await self.doubts.after_error(tried, error, way.stored)

    async def _bounded(self, ready: Ready, started_at: datetime) -> Published:
        try:
            async with asyncio.timeout(self.send_timeout.total_seconds()):
                return await ready.send(started_at)
        except TimeoutError as error:
            raise Unconfirmed(f"no reply within {self.send_timeout.total_seconds():g} s", code="no_reply") from error

    async def _find_out(self, publication: Publication, stored: StoredAccount | None) -> None:
        await self.settling.settle(publication, await self.doubts.after_interruption(publication, stored))

    def _turn_away(self, account_id: str) -> None:
        """Let posts for a destination that is unwell rest, before they cost a claim."""
        try:
            self.sends.turn_away_if_unwell(self.destinations.of(account_id))
        except Unwell as unwell:
            raise TryAgain(timedelta(seconds=unwell.rest_seconds)) from unwell

    async def _wait_for_turn(self, way: Way) -> Turn:
        await self.clock.sleep_until(way.publication.start_at - MARK_AHEAD)
        return await self.sends.take(way.destination)

    async def _until_at_leisure(self, waiting: Coroutine[Any, Any, AnswerT]) -> AnswerT:
        """Wait; if the service stops first, the message goes to another replica."""
        if self._stopping.is_set():
            waiting.close()
            raise HandBack
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        try:
            return await waiting
        except asyncio.CancelledError:
            if not self._stopping.is_set():
                raise
            task.uncancel()
            raise HandBack from None
        finally:
            self._waiting.discard(task)

    def stop(self) -> None:
        """Hand back what is still waiting for its instant; what is being sent is finished."""
        self._stopping.set()
        self.settling.stop()
        for task in self._waiting:
            task.cancel()


def _of(claim: Claim) -> StoredAccount:
    assert claim.account is not None, "a claim has an account"
    return claim.account
