"""The way of one post: claim, prepare, wait for the instant, look once more, send, commit what became of it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from services.publisher.accounts import opened
from services.publisher.claims import Claim, Claims
from services.publisher.domain import Ambiguous, Claimed, Delivered, Publication, Settled, StoredAccount, Wait, too_late
from services.publisher.doubt import Doubts, post_of
from services.publisher.outcomes import (
    Outcome,
    after_cancellation,
    after_oversleeping,
    after_success,
    starting_over,
)
from services.publisher.platforms.base import Platform, Published, Ready
from services.publisher.platforms.errors import PlatformError, Rejected, Unauthorized, Unconfirmed
from services.publisher.platforms.exchange import network_failures
from services.publisher.revoked import Revoked
from services.publisher.settling import Settling
from services.publisher.tokens import Tokens
from shared.clock import Clock
from shared.events.progress import State
from shared.events.requests import LatePolicy
from shared.events.scheduler import PublishRequested
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import HandBack, Park, TryAgain
from shared.vault import Vault

MARK_AHEAD = timedelta(milliseconds=300)
"""How long before the start a post is committed as `sending`, so that no commit delays the send."""

EARLY = timedelta(seconds=1)
"""How long before its time a post leaves its retry queue at least, so that it does not miss its rate-limit slot."""
Turns = asyncio.Semaphore
"""Who holds one may send; taken in the order in which posts are due."""


@dataclass
class Way:
    """One try at a claimed post; `renewed` where it must start over with a new token."""

    publication: Publication
    stored: StoredAccount
    policy: LatePolicy
    may_renew: bool
    renewed: bool = False


@dataclass
class Publishing:
    """Brings posts to their platforms, each once."""

    claims: Claims
    settling: Settling
    platforms: Mapping[str, Platform]
    vault: Vault
    clock: Clock
    revoked: Revoked
    send_timeout: timedelta
    turns: Turns
    doubts: Doubts
    tokens: Tokens

    def __post_init__(self) -> None:
        self._stopping = asyncio.Event()
        self._waiting: set[asyncio.Task[object]] = set()

    async def on_publish_requested(self, delivery: Delivery[PublishRequested]) -> None:
        """Publish the post once, however often the event arrives."""
        may_renew = True
        while True:
            delivered = Delivered(delivery.event, delivery.correlation_id, token=uuid4().hex)
            claim = await self.claims.claim(delivered)
            match claim.decision:
                case Wait(until):
                    raise TryAgain(until - EARLY - self.clock.now())
                case Settled(publication) if publication.state == State.FAILED and delivery.redelivered:
                    raise Park("failed before; its first delivery was interrupted before it was parked")
                case Ambiguous(publication):
                    return await self._find_out(publication, claim.account)
                case Claimed(publication):
                    way = Way(publication, _of(claim), delivery.event.late_policy, may_renew=may_renew)
                    if await self._publish(way):
                        return None
                    may_renew = not way.renewed
                case _:
                    return None

    async def _publish(self, way: Way) -> bool:
        """Send it at its instant; False when it must start over: taken over, cancelled, overslept, token renewed."""
        try:
            if found := await self.doubts.before_repeating(way.publication, way.stored):
                await self.settling.settle(way.publication, found)
                return True
            ready = await self._prepare(way)
        except PlatformError as error:
            tried = replace(way.publication, attempts=way.publication.attempts + 1)
            await self.settling.settle(tried, await self._after_error(way, tried, error, nothing_was_sent=True))
            return not way.renewed
        await self._wait_for_turn(way.publication.start_at - MARK_AHEAD)
        try:
            if too_late(way.policy, way.publication.start_at, self.clock.now()):
                return False
            settled_as = await self._mark_and_send(way, ready)
        finally:
            self.turns.release()
        if settled_as is None:
            return False
        await self.settling.settle(way.publication, settled_as)
        return not way.renewed

    async def _mark_and_send(self, way: Way, ready: Ready) -> Outcome | None:
        """Commit that it is being sent, then send it at its instant; None where it is no longer ours to send."""
        publication, now = way.publication, self.clock.now()
        lease_until = max(now, publication.start_at) + self.claims.lease
        marked = replace(publication, state=State.SENDING, attempts=publication.attempts + 1, lease_until=lease_until)
        if not await self.settling.mark_sending(marked, urgent=publication.start_at - now < MARK_AHEAD / 2):
            return None
        await self.clock.sleep_until(publication.start_at)
        if reason := self.revoked.reason(publication):
            return after_cancellation(marked, reason, self.clock.now())
        if self.clock.now() >= lease_until:
            return after_oversleeping(marked, self.clock.now())
        return await self._send(way, marked, ready)

    async def _prepare(self, way: Way) -> Ready:
        platform = self.platforms.get(way.stored.platform)
        if platform is None:
            raise Rejected(f"platform {way.stored.platform!r} is not known to this release", code="unknown_platform")
        way.stored = await self.tokens.lasting(way.stored, until=way.publication.start_at)
        account = opened(way.stored, self.vault)
        platform.check(account)
        async with network_failures():
            return await platform.prepare(post_of(way.publication), account)

    async def _send(self, way: Way, marked: Publication, ready: Ready) -> Outcome:
        started_at = self.clock.now()
        try:
            published = await self._bounded(ready, started_at)
        except PlatformError as error:
            return await self._after_error(way, marked, error)
        return after_success(marked, published, started_at, self.clock.now())

    async def _after_error(
        self, way: Way, tried: Publication, error: PlatformError, *, nothing_was_sent: bool = False
    ) -> Outcome:
        """What follows from an error; a token that was refused is renewed once, and costs no attempt."""
        if isinstance(error, Unauthorized) and way.may_renew and await self.tokens.expire(way.stored):
            way.renewed = True
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

    async def _wait_for_turn(self, instant: datetime) -> None:
        """Sleep, then take a turn at sending; if the service stops first, the message goes to another replica."""
        if self._stopping.is_set():
            raise HandBack
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        try:
            await self.clock.sleep_until(instant)
            await self.turns.acquire()
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
