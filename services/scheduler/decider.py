"""Decides requests one after another, each on what those before it left. No I/O."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.scheduler.domain import (
    Accepted,
    Cancelled,
    Decision,
    KnownAccount,
    Schedule,
    Waiting,
    decide,
    decide_cancel,
)
from services.scheduler.pending import PendingRequest, pending_cancellation, pending_edit
from services.scheduler.wanted_posts import WantedPost

Key = tuple[str, str]


@dataclass
class Decider:
    """The schedules that a group of requests concerns, as they become while the requests are decided in order.

    What is to replace or cancel a revision that may be on its way waits, and all that comes after it: only the
    publisher knows whether that revision can still be taken back.
    """

    schedules: dict[Key, Schedule]
    accounts: dict[str, KnownAccount]
    now: datetime
    changed: dict[Key, Schedule] = field(default_factory=dict)
    waiting: list[PendingRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._taken_back: set[Key] = set()
        self._accounts_of: defaultdict[str, set[str]] = defaultdict(set)
        for post_id, account_id in self.schedules:
            self._accounts_of[post_id].add(account_id)

    @property
    def withdrawals(self) -> list[PendingRequest]:
        """The first request in each queue that begins: for its sake the publisher must take a revision back."""
        return [request for request in self.waiting if request.position == 0]

    @property
    def queued(self) -> list[Schedule]:
        """The schedules for which requests wait that did not wait before."""
        return [self.schedules[key] for key in dict.fromkeys(request.key for request in self.waiting)]

    def schedule(self, wanted: WantedPost, correlation_id: str) -> Decision:
        """Decide whether a post is scheduled as it is wanted, and keep the result for the next request."""
        current = self.schedules.get(wanted.key)
        if current and current.pending:
            return self._wait(current, pending_edit(wanted, current.pending, correlation_id, self.now))
        decision = self._decided(wanted, correlation_id, self.accounts.get(wanted.account_id), self.now)
        if isinstance(decision, Accepted) and decision.changed:
            if current and self._may_be_on_its_way(current):
                return self._wait(current, pending_edit(wanted, 0, correlation_id, self.now))
            self._keep(decision.schedule)
        return decision

    def cancel(self, post_id: str, account_id: str, correlation_id: str) -> Decision:
        """Decide a cancellation and keep its result."""
        current = self.schedules.get((post_id, account_id))
        if current and current.pending:
            request = pending_cancellation(post_id, account_id, current.pending, correlation_id, self.now)
            return self._wait(current, request)
        decision = decide_cancel(post_id, account_id, current, self.now)
        if isinstance(decision, Cancelled) and decision.schedule is not current:
            if current and self._may_be_on_its_way(current):
                return self._wait(current, pending_cancellation(post_id, account_id, 0, correlation_id, self.now))
            self._keep(decision.schedule)
        return decision

    def settle(self, requests: Sequence[PendingRequest], *, is_taken_back: bool) -> list[Decision]:
        """Decide what waited for one post on one account, now that its revision is taken back or may be out."""
        key = requests[0].key
        self.schedules[key] = replace(self.schedules[key], pending=0, in_doubt=not is_taken_back)
        if is_taken_back:
            self._taken_back.add(key)
        return [self._settled(request, was_checked=is_taken_back and request.position == 0) for request in requests]

    def accounts_of(self, post_id: str) -> list[str]:
        """The accounts a post is scheduled for."""
        return sorted(self._accounts_of[post_id])

    def _settled(self, request: PendingRequest, *, was_checked: bool) -> Decision:
        """Decide one that waited; what a revision was taken back for is carried out, whatever its account says now."""
        wanted, account = request.wanted, self.accounts.get(request.account_id)
        if wanted is None:
            return self.cancel(request.post_id, request.account_id, request.correlation_id)
        decision = self._decided(wanted, request.correlation_id, None if was_checked else account, request.asked_at)
        if isinstance(decision, Accepted):
            decision = replace(decision, is_known=account is not None)
            if decision.changed:
                self._keep(decision.schedule)
        return decision

    def _decided(
        self, wanted: WantedPost, correlation_id: str, account: KnownAccount | None, asked_at: datetime
    ) -> Decision:
        current = self.schedules.get(wanted.key)
        return decide(wanted, current, account=account, correlation_id=correlation_id, now=self.now, asked_at=asked_at)

    def _may_be_on_its_way(self, current: Schedule) -> bool:
        return current.may_be_on_its_way and current.key not in self._taken_back

    def _wait(self, current: Schedule, request: PendingRequest) -> Waiting:
        self.waiting.append(request)
        expected_at = self.now if request.position == 0 else current.outcome_expected_at
        self.schedules[request.key] = replace(current, pending=request.position + 1, outcome_expected_at=expected_at)
        return Waiting(request.post_id, request.account_id)

    def _keep(self, schedule: Schedule) -> None:
        self._accounts_of[schedule.post_id].add(schedule.account_id)
        self.schedules[schedule.key] = schedule
        self.changed[schedule.key] = schedule
