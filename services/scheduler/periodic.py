"""Reacts to the clock: dispatches what falls due, and sweeps what never got an outcome."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

import structlog
from pydantic import ValidationError

from services.scheduler.domain import Schedule
from services.scheduler.facts import withdrawal
from services.scheduler.pending import PendingRequest
from services.scheduler.release import HORIZON, UNDELAYED_HORIZON, ReleasePlan, lead_of
from services.scheduler.store import Store
from shared.clocks.clock import Clock, loop_time
from shared.events.explaining import explain
from shared.events.requests import LatePolicy, Media, RetryPolicy
from shared.events.scheduler import PublishRequested
from shared.messaging.broker import Outgoing, Publisher
from shared.messaging.delay import HORIZON as FURTHEST
from shared.messaging.delay import DelayKind, delayed
from shared.messaging.envelope import Envelope

BATCH = 1000
LOOK_EVERY = timedelta(seconds=1)
SWEEP_EVERY = timedelta(seconds=5)
OUTCOME_GRACE = timedelta(seconds=30)

log = structlog.get_logger()


@dataclass
class Dispatcher:
    """Moves schedules from the far horizon, the database, to the near one, the broker."""

    store: Store
    publisher: Publisher
    clock: Clock
    due_soon: asyncio.Event
    delay: DelayKind = "wheel"
    plan: ReleasePlan = field(default_factory=ReleasePlan)
    note_sent: Callable[[Schedule, Outgoing, float], None] = lambda _schedule, _sent, _asked_at: None

    async def run(self) -> None:
        """Dispatch for ever, every second and whenever something new falls due soon."""
        while True:
            self.due_soon.clear()
            try:
                await self.dispatch_due()
            except Exception as error:
                log.warning("dispatch_failed", error=repr(error))
            await _first(self.due_soon, LOOK_EVERY)

    async def dispatch_due(self) -> int:
        """Dispatch all that falls due within the horizon; how many there were."""
        dispatched = 0
        while batch := await self._claim():
            confirmed = await self._send(batch)
            dispatched += len(confirmed)
            if len(confirmed) < len(batch):
                break
        return dispatched

    async def _claim(self) -> list[Schedule]:
        now = self.clock.now()
        self.plan.forget_before(now)
        horizon = HORIZON if self.publisher.may_delay else UNDELAYED_HORIZON
        return await self.store.claim_due(due_before=now + horizon, now=now, most=BATCH)

    async def _send(self, batch: Sequence[Schedule]) -> Sequence[Schedule]:
        """Publish with confirms, then mark what the broker has: a crash in between repeats messages, loses none."""
        now, asked_at = self.clock.now(), loop_time()
        made = list(self._made(batch, now))
        results = await self.publisher.publish_all([outgoing for _, outgoing in made])
        for (schedule, sent), error in zip(made, results, strict=True):
            if error is None:
                self.note_sent(schedule, sent, asked_at)
        confirmed = [schedule for (schedule, _), error in zip(made, results, strict=True) if error is None]
        unconfirmed = [schedule for (schedule, _), error in zip(made, results, strict=True) if error is not None]
        if confirmed:
            await self.store.mark_dispatched(confirmed, self.clock.now())
        if unconfirmed:
            problem = next(error for error in results if error is not None)
            log.warning("dispatch_unconfirmed", posts=len(unconfirmed), error=str(problem))
            await self.store.give_back(unconfirmed, until=self.clock.now() + LOOK_EVERY)
        return confirmed

    def _made(self, batch: Sequence[Schedule], now: datetime) -> Iterator[tuple[Schedule, Outgoing]]:
        """Each with its message. One of which none can be made, as an older release has stored it, stops no other."""
        for schedule in batch:
            try:
                outgoing = self._outgoing(schedule, now)
            except (ValueError, TypeError) as error:
                said = explain(error) if isinstance(error, ValidationError) else repr(error)
                log.error("schedule_not_readable", post_id=schedule.post_id, account_id=schedule.account_id, error=said)
            else:
                yield schedule, outgoing

    def _outgoing(self, schedule: Schedule, now: datetime) -> Outgoing:
        envelope = Envelope.of(publish_requested(schedule), correlation_id=schedule.correlation_id)
        if not self.publisher.may_delay:
            return Outgoing(envelope)
        wanted = self.plan.release_at(schedule.publish_at, now, lead=lead_of(schedule))
        release_at = min(wanted, now + FURTHEST)  # the clock may have been put back since the claim
        envelope, expiration_ms = delayed(envelope, release_at, now=now, kind=self.delay)
        return Outgoing(envelope, expiration_ms)


@dataclass
class Sweeper:
    """Dispatches again what was dispatched and never got an outcome; repeats withdrawals that were not answered."""

    store: Store
    clock: Clock
    due_soon: asyncio.Event

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            try:
                await self.sweep()
                await self.withdraw_again()
            except Exception as error:
                log.warning("sweep_failed", error=repr(error))
            await asyncio.sleep(SWEEP_EVERY.total_seconds())

    async def sweep(self) -> int:
        """Make silent schedules due again; how many there were."""
        now = self.clock.now()
        swept = await self.store.sweep(expected_before=now - OUTCOME_GRACE, now=now)
        if swept:
            log.warning("schedules_swept", posts=swept)
            self.due_soon.set()
        return swept

    async def withdraw_again(self) -> int:
        """Request the publisher again to take revisions back; how many there were."""
        now = self.clock.now()
        async with self.store.unit() as unit:
            silent = {one.key: one for one in await unit.unanswered(expected_before=now - OUTCOME_GRACE)}
            if silent:
                pending = await unit.pending(silent)
                await unit.expect_later(silent.values(), now)
                await unit.emit([_withdrawal(silent[key], requests[0]) for key, requests in pending.items()])
                log.warning("withdrawals_repeated", posts=len(silent))
        return len(silent)


def _withdrawal(schedule: Schedule, request: PendingRequest) -> Envelope:
    return Envelope.of(withdrawal(request, schedule.revision), correlation_id=request.correlation_id)


@lru_cache
def _late_policy(stored: str) -> LatePolicy:
    return LatePolicy.model_validate_json(stored)


@lru_cache
def _retry_policy(stored: str) -> RetryPolicy:
    return RetryPolicy.model_validate_json(stored)


def publish_requested(schedule: Schedule) -> PublishRequested:
    """The event that asks the publisher to send this revision."""
    return PublishRequested(
        post_id=schedule.post_id,
        account_id=schedule.account_id,
        revision=schedule.revision,
        publish_at=schedule.publish_at,
        content=schedule.content,
        media=tuple(Media(**item) for item in json.loads(schedule.media)),
        options=json.loads(schedule.options),
        late_policy=_late_policy(schedule.late_policy),
        retry=_retry_policy(schedule.retry),
        callback_url=schedule.callback_url,
        swept=schedule.sweeps > 0,
    )


async def _first(event: asyncio.Event, at_most: timedelta) -> None:
    """Wait for the event or the timeout, whichever comes first."""
    try:
        async with asyncio.timeout(at_most.total_seconds()):
            await event.wait()
    except TimeoutError:
        return
