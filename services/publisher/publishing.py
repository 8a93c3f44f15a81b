"""The way of one post: claim, prepare, wait for the instant, look once more, send, commit what became of it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

import structlog

from services.publisher.accounts import opened
from services.publisher.claims import Claims
from services.publisher.domain import Ambiguous, Claimed, Delivered, Publication, Settled, Wait, too_late
from services.publisher.doubt import Doubts, post_of
from services.publisher.outcomes import (
    Outcome,
    after_cancellation,
    after_oversleeping,
    after_success,
)
from services.publisher.platforms.base import (
    Platform,
    PlatformError,
    Published,
    Ready,
    Rejected,
    Unconfirmed,
    network_failures,
)
from services.publisher.reporting import report
from services.publisher.revoked import Revoked
from services.publisher.store import Store, StoredAccount
from shared.clock import Clock
from shared.db import is_passing
from shared.events.progress import State
from shared.events.requests import LatePolicy
from shared.events.scheduler import PublishRequested
from shared.group_commit import GroupCommit
from shared.messaging.envelope import Delivery, Envelope
from shared.messaging.verdict import HandBack, Park, TryAgain
from shared.vault import Vault

MARK_AHEAD = timedelta(milliseconds=300)
"""How long before the start a post is committed as `sending`, so that no commit delays the send."""

WRITE_AGAIN_IN = timedelta(seconds=0.5)
EARLY = timedelta(seconds=1)
"""How long before its time a post leaves its retry queue at least, so that it does not miss its rate-limit slot."""
LINGER_SECONDS = 0.05
"""How long writes gather that nothing is waiting for; together they cost a fraction."""

Turns = asyncio.Semaphore
"""Who holds one may send; taken in the order in which posts are due."""

log = structlog.get_logger()


@dataclass
class Publishing:
    """Brings posts to their platforms, each once."""

    store: Store
    claims: Claims
    platforms: Mapping[str, Platform]
    vault: Vault
    clock: Clock
    revoked: Revoked
    send_timeout: timedelta
    turns: Turns
    doubts: Doubts

    def __post_init__(self) -> None:
        self._stopping = asyncio.Event()
        self._waiting: set[asyncio.Task[object]] = set()
        self._marks = GroupCommit(self._mark_sending, linger_seconds=LINGER_SECONDS)
        self._outcomes = GroupCommit(self._finish, linger_seconds=LINGER_SECONDS)

    async def on_publish_requested(self, delivery: Delivery[PublishRequested]) -> None:
        """Publish the post once, however often the event arrives."""
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
                    if await self._publish(publication, claim.account, delivery.event.late_policy):
                        return None
                case _:
                    return None

    async def _publish(self, publication: Publication, stored: StoredAccount | None, policy: LatePolicy) -> bool:
        """Send it at its instant; False when it was taken over or cancelled meanwhile, or the machine overslept."""
        assert stored is not None, "a claim has an account"
        platform = self.platforms.get(stored.platform)
        try:
            ready = await self._prepare(publication, stored, platform)
        except PlatformError as error:
            tried = replace(publication, attempts=publication.attempts + 1)
            await self._settle(tried, self.doubts.after_failure(tried, error, deduplicates=True))
            return True
        await self._wait_for_turn(publication.start_at - MARK_AHEAD)
        try:
            if too_late(policy, publication.start_at, self.clock.now()):
                return False
            settled_as = await self._mark_and_send(publication, ready, stored)
        finally:
            self.turns.release()
        if settled_as is None:
            return False
        await self._settle(publication, settled_as)
        return True

    async def _mark_and_send(self, publication: Publication, ready: Ready, stored: StoredAccount) -> Outcome | None:
        """Commit that it is being sent, then send it at its instant; None where it is no longer ours to send."""
        now = self.clock.now()
        lease_until = max(now, publication.start_at) + self.claims.lease
        marked = replace(publication, state=State.SENDING, attempts=publication.attempts + 1, lease_until=lease_until)
        if not await self._marks.submit(marked, urgent=publication.start_at - now < MARK_AHEAD / 2):
            return None
        await self.clock.sleep_until(publication.start_at)
        if reason := self.revoked.reason(publication):
            return after_cancellation(marked, reason, self.clock.now())
        if self.clock.now() >= lease_until:
            return after_oversleeping(marked, self.clock.now())
        return await self._send(marked, ready, stored)

    async def _prepare(self, publication: Publication, stored: StoredAccount, platform: Platform | None) -> Ready:
        if platform is None:
            raise Rejected(f"platform {stored.platform!r} is not known to this release", code="unknown_platform")
        account = opened(stored, self.vault)
        platform.check(account)
        async with network_failures():
            return await platform.prepare(post_of(publication), account)

    async def _send(self, publication: Publication, ready: Ready, stored: StoredAccount) -> Outcome:
        started_at = self.clock.now()
        try:
            published = await self._bounded(ready, started_at)
        except PlatformError as error:
            return await self.doubts.after_error(publication, error, stored)
        return after_success(publication, published, started_at, self.clock.now())

    async def _bounded(self, ready: Ready, started_at: datetime) -> Published:
        try:
            async with asyncio.timeout(self.send_timeout.total_seconds()):
                return await ready.send(started_at)
        except TimeoutError as error:
            raise Unconfirmed(f"no reply within {self.send_timeout.total_seconds():g} s", code="no_reply") from error

    async def _find_out(self, publication: Publication, stored: StoredAccount | None) -> None:
        await self._settle(publication, await self.doubts.after_interruption(publication, stored))

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
        for task in self._waiting:
            task.cancel()

    async def _settle(self, claimed: Publication, outcome: Outcome) -> None:
        """Commit the outcome with its events, then carry out its verdict on the message."""
        await self._write_down(claimed.claim_token or "", outcome)
        report(outcome)
        if outcome.verdict:
            raise outcome.verdict

    async def _write_down(self, token: str, outcome: Outcome) -> None:
        """Commit the outcome; while the database is away, keep it, for nobody else knows what became of the send."""
        while True:
            try:
                return await self._outcomes.submit((token, outcome))
            except Exception as error:
                if self._stopping.is_set() or not is_passing(error):
                    raise
                log.warning("outcome_not_written_yet", post_id=outcome.publication.post_id, error=repr(error))
            await self.clock.sleep_until(self.clock.now() + WRITE_AGAIN_IN)

    async def _mark_sending(self, claimed: Sequence[Publication]) -> Sequence[bool]:
        async with self.store.unit() as unit:
            marked = await unit.mark_sending(claimed)
        return [publication.claim_token in marked for publication in claimed]

    async def _finish(self, finished: Sequence[tuple[str, Outcome]]) -> Sequence[None]:
        async with self.store.unit() as unit:
            ours = await unit.finish([(outcome.publication, token) for token, outcome in finished])
            await unit.emit(_envelopes([outcome for token, outcome in finished if token in ours]))
        return [None] * len(finished)


def _envelopes(outcomes: Sequence[Outcome]) -> list[Envelope]:
    return [
        Envelope.of(fact, correlation_id=outcome.publication.correlation_id)
        for outcome in outcomes
        for fact in outcome.told
    ]
