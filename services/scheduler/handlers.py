"""Reacts to events: load, decide, save and emit. Concurrent handlers share transactions, in the order they came."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from services.scheduler.decider import Decider
from services.scheduler.domain import Accepted, Decision, KnownAccount, Schedule
from services.scheduler.facts import Near, withdrawal
from services.scheduler.learning import learn
from services.scheduler.near_posts import CROWDED_MINUTE, NearKeys
from services.scheduler.origin import Origin
from services.scheduler.outcomes import Outcome
from services.scheduler.release import is_soon
from services.scheduler.requests import CancelRequest, Request, batch_request, cancel_request, post_request
from services.scheduler.store import Key, Store, Unit
from services.scheduler.unmet import MOMENT, NotedHere, found_nothing
from services.scheduler.unreadable import answer_to_unreadable, refused_cancellation
from shared.clocks.clock import Clock
from shared.database.group_commit import GroupCommit
from shared.events.publisher import AccountConnected, AccountDisconnected, PublishSkipped
from shared.events.requests import ScheduleBatchRequested, ScheduleCancelRequested, ScheduleRequested
from shared.messaging.envelope import Delivery, Envelope, UnreadableEvent

_ANSWERED_WHEN_UNREADABLE = {ScheduleRequested.type, ScheduleBatchRequested.type, ScheduleCancelRequested.type}
MOST_IN_A_GROUP = 1000
LINGER_SECONDS = 0.05
"""Requests that come one by one share a transaction, unless they are urgent."""
OUTCOMES_LINGER_SECONDS = 0.25
"""A transaction costs as much for one fact as for many; only who edits a post that is just being sent waits for it."""
LANES = 4
"""While PostgreSQL writes some groups, the next one is being decided."""


@dataclass
class Handlers:
    """The scheduler's reactions; `due_soon` is set when something falls due before the next regular look.

    More posts than `crowded_minute` within a minute on one account are worth a warning.
    """

    store: Store
    clock: Clock
    crowded_minute: int = CROWDED_MINUTE
    due_soon: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._noted_here = NotedHere()
        self._requests = GroupCommit(
            self._decide,
            most=MOST_IN_A_GROUP,
            weigh=lambda request: request.weight,
            linger_seconds=LINGER_SECONDS,
            lanes=LANES,
            keys=lambda request: request.post_ids,
        )
        self._outcomes = GroupCommit(self._learn, most=MOST_IN_A_GROUP, linger_seconds=OUTCOMES_LINGER_SECONDS)

    async def on_schedule_requested(self, delivery: Delivery[ScheduleRequested]) -> None:
        """Schedule a post on its accounts, or say why not."""
        origin = self._origin(delivery)
        request = post_request(delivery.event, delivery.inbox_id, origin, delivery.body)
        await self._requests.submit(request, urgent=request.is_urgent)

    async def on_schedule_batch_requested(self, delivery: Delivery[ScheduleBatchRequested]) -> None:
        """Schedule many posts and settle them in one answer."""
        origin = replace(self._origin(delivery), shares_queue=False)
        await self._requests.submit(batch_request(delivery.event, delivery.inbox_id, origin))

    async def on_schedule_cancel_requested(self, delivery: Delivery[ScheduleCancelRequested]) -> None:
        """Cancel what has not been published; `account_id` for `account_ids` would cancel more than was asked for."""
        if misspelt := delivery.misspelt:
            refused = refused_cancellation(delivery.event.post_id, misspelt)
            async with self.store.unit() as unit:
                await unit.tell(refused, correlation_id=delivery.correlation_id)
            return
        request = cancel_request(delivery.event, delivery.inbox_id, self._origin(delivery))
        if refusals := await self._requests.submit(request, urgent=True):
            await self.clock.sleep(MOMENT)
            self.store.outbox.relay_soon(refusals)

    async def on_unreadable(self, error: UnreadableEvent, correlation_id: str) -> bool:
        """Reject a request that is no valid event, where its sender can be told."""
        if error.type not in _ANSWERED_WHEN_UNREADABLE:
            return False
        answer = answer_to_unreadable(error.type, error.body, error.reason)
        if answer is None:
            return False
        async with self.store.unit() as unit:
            await unit.tell(answer, correlation_id=correlation_id)
        return True

    async def on_outcome(self, delivery: Delivery[Outcome]) -> None:
        """Learn how far a post has come, and decide what waited for that; somebody waits for most skips."""
        await self._outcomes.submit(delivery.event, urgent=isinstance(delivery.event, PublishSkipped))

    async def on_account_connected(self, delivery: Delivery[AccountConnected]) -> None:
        """Learn of an account, and of what its posts must satisfy from now on."""
        await self._save_account(delivery.event, KnownAccount(connected=True, rules=delivery.event.rules))

    async def on_account_disconnected(self, delivery: Delivery[AccountDisconnected]) -> None:
        """Learn that an account is gone."""
        await self._save_account(delivery.event, KnownAccount(connected=False))

    async def _save_account(self, event: AccountConnected | AccountDisconnected, account: KnownAccount) -> None:
        changed_at = event.changed_at or self.clock.now()
        await self.store.save_account(event.account_id, event.platform, account, changed_at)

    async def _decide(self, requests: Sequence[Request]) -> Sequence[Sequence[Envelope]]:
        """Decide requests in their order; those answers to each that are to be relayed a moment later."""
        now = self.clock.now()
        post_ids = {post_id for request in requests for post_id in request.post_ids}
        async with self.store.unit() as unit:
            await unit.take_turns(post_ids, cancelled=_cancelled(requests))
            fresh = await unit.remember((request.inbox_id for request in requests if request.inbox_id), now)
            accounts, unmet = await unit.accounts(_accounts(requests)), await unit.unmet(post_ids)
            schedules = await _concerned(unit, requests)
            decider = Decider(schedules, accounts, self.clock.now(), unmet, self._noted_here.among(unmet))
            taken = [(request, request.decide(decider)) for request in requests if _take(request, fresh)]
            later = {
                id(request): _answers(request, decisions, {})
                for request, decisions in taken
                if _is_told_later(request, decisions)
            }
            decided = [one for one in taken if id(one[0]) not in later]
            await unit.save(list(decider.changed.values()))
            await unit.confirm(decider.confirmed.values())
            await unit.note_unmet(decider.unmet)
            await unit.queue(decider.waiting, decider.queued)
            near = await unit.near_posts(_near_keys(decided), crowded=self.crowded_minute)
            answers = [envelope for request, decisions in decided for envelope in _answers(request, decisions, near)]
            await unit.emit(answers + _withdrawals(decider))
            await unit.emit_later([envelope for refusals in later.values() for envelope in refusals])
            self._noted_here.note(decider.unmet, now)  # before the commit, whose answer may be lost
        self._wake(decider.changed.values(), now)
        return [later.get(id(request), ()) for request in requests]

    def _origin(self, delivery: Delivery[Any]) -> Origin:
        since = delivery.put_off_since
        return Origin(delivery.correlation_id, delivery.request_id, since or self.clock.now(), since is not None)

    async def _learn(self, facts: Sequence[Outcome]) -> Sequence[None]:
        now = self.clock.now()
        self._wake(await learn(self.store, facts, now=now, crowded=self.crowded_minute), now)
        return [None] * len(facts)

    def _wake(self, changed: Iterable[Schedule], now: datetime) -> None:
        if any(is_soon(schedule, now) for schedule in changed):
            self.due_soon.set()


async def _concerned(unit: Unit, requests: Sequence[Request]) -> dict[Key, Schedule]:
    named = await unit.schedules(key for request in requests for key in request.keys)
    return named | await unit.schedules_of(post_id for request in requests for post_id in request.whole_posts)


def _cancelled(requests: Sequence[Request]) -> set[str]:
    return {request.post_id for request in requests if isinstance(request, CancelRequest)}


def _is_told_later(request: Request, decisions: Sequence[Decision]) -> bool:
    return isinstance(request, CancelRequest) and found_nothing(decisions)


def _accounts(requests: Sequence[Request]) -> set[str]:
    return {account_id for request in requests for _, account_id in request.keys}


def _near_keys(decided: Iterable[tuple[Request, Sequence[Decision]]]) -> set[NearKeys]:
    return {one.schedule.near_keys for _, decisions in decided for one in decisions if isinstance(one, Accepted)}


def _answers(request: Request, decisions: Sequence[Decision], near: Near) -> list[Envelope]:
    return [Envelope.of(event, correlation_id=request.origin.correlation_id) for event in request.tell(decisions, near)]


def _withdrawals(decider: Decider) -> list[Envelope]:
    return [
        Envelope.of(withdrawal(request, decider.schedules[request.key].revision), correlation_id=request.correlation_id)
        for request in decider.withdrawals
    ]


def _take(request: Request, fresh: set[str]) -> bool:
    """Whether the request has not been taken before; a message without an id always counts as new."""
    if request.inbox_id is None:
        return True
    if request.inbox_id not in fresh:
        return False
    fresh.remove(request.inbox_id)
    return True
