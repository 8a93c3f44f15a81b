"""Decides requests one after another, each on what those before it left. No I/O."""

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.scheduler.deciding import decide, decide_cancel, overtaken
from services.scheduler.domain import (
    Accepted,
    Cancelled,
    Decision,
    KnownAccount,
    Rejected,
    Schedule,
    Waiting,
)
from services.scheduler.origin import Origin
from services.scheduler.pending import PendingRequest, pending_cancellation, pending_edit
from services.scheduler.unmet import MOMENT, came_to_be_meanwhile
from services.scheduler.wanted_posts import WantedPost
from shared.events.progress import State

Key = tuple[str, str]
ZERO = timedelta(0)
WHOLE_POST = ""
"""In the place of an account: all accounts of a post."""


@dataclass
class Decider:
    """The schedules that a group of requests concerns, as they become while the requests are decided in order.

    What is to replace or cancel a revision that may be on its way waits, and all that comes after it: only the
    publisher knows whether that revision can still be taken back.
    """

    schedules: dict[Key, Schedule]
    accounts: dict[str, KnownAccount]
    now: datetime
    cancelled_at: dict[Key, datetime] = field(default_factory=dict)
    """When cancellations came that concern more than there was to cancel; without an account, the whole post."""
    noted_here: Container[Key] = ()
    """Those of them that this replica took itself, before all that it decides now."""
    changed: dict[Key, Schedule] = field(default_factory=dict)
    confirmed: dict[Key, Schedule] = field(default_factory=dict)
    unmet: dict[Key, datetime] = field(default_factory=dict)
    waiting: list[PendingRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._taken_back: set[Key] = set()
        self._asked_before = {key: schedule.asked_at for key, schedule in self.schedules.items()}
        self._cancelled_before = dict(self.cancelled_at)
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

    def schedule(self, wanted: WantedPost, origin: Origin) -> Decision:
        """Decide whether a post is scheduled as it is wanted, and keep the result for the next request."""
        current = self.schedules.get(wanted.key)
        is_so_already = current is not None and current.is_as(wanted) and not current.pending
        if self._is_overtaken(wanted.key, origin) and not is_so_already:
            return overtaken(*wanted.key)
        if current and current.pending:
            return self._wait(current, pending_edit(wanted, current.pending, origin))
        decision = self._decided(wanted, origin, self.accounts.get(wanted.account_id))
        if not isinstance(decision, Accepted):
            return decision
        if not decision.changed:
            self._confirm(decision.schedule, origin)
        elif current and self._may_be_on_its_way(current):
            return self._wait(current, pending_edit(wanted, 0, origin))
        else:
            self._keep(decision.schedule)
        return decision

    def cancel_all(self, post_id: str, origin: Origin, expected_revision: int | None = None) -> list[Decision]:
        """Decide the cancellation of a post on every account, those included whose request has been put off."""
        account_ids = self.accounts_of(post_id)
        decisions = [self.cancel(post_id, account_id, origin, expected_revision) for account_id in account_ids]
        if expected_revision is None or not decisions or any(not _is_conflict(one) for one in decisions):
            self._note_unmet((post_id, WHOLE_POST), origin)
        return decisions or [Rejected(post_id, None, "not_found", f"post {post_id!r} is not scheduled")]

    def cancel(self, post_id: str, account_id: str, origin: Origin, expected_revision: int | None = None) -> Decision:
        """Decide a cancellation and keep its result."""
        current = self.schedules.get((post_id, account_id))
        if current is None:
            self._note_unmet((post_id, account_id), origin)
        elif self._is_overtaken_cancellation(current, origin):
            return overtaken(post_id, account_id)
        if current and current.pending:
            return self._wait(
                current, pending_cancellation(post_id, account_id, current.pending, origin, expected_revision)
            )
        decision = decide_cancel(post_id, account_id, current, origin, self.now, expected_revision=expected_revision)
        if not isinstance(decision, Cancelled):
            return decision
        if decision.schedule is current:
            self._confirm(current, origin)
        elif current and self._may_be_on_its_way(current):
            return self._wait(current, pending_cancellation(post_id, account_id, 0, origin, expected_revision))
        else:
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
            return self.cancel(*request.key, request.origin, request.expected_revision)
        decision = self._decided(wanted, request.origin, None if was_checked else account)
        if isinstance(decision, Accepted):
            decision = replace(decision, is_known=account is not None)
            if decision.changed:
                self._keep(decision.schedule)
        return decision

    def _decided(self, wanted: WantedPost, origin: Origin, account: KnownAccount | None) -> Decision:
        return decide(wanted, self.schedules.get(wanted.key), account=account, origin=origin, now=self.now)

    def _is_overtaken(self, key: Key, origin: Origin) -> bool:
        """Whether one that arrived later has been decided already.

        It may have been while this one was put off, or just now by another replica; an instant to come says only that
        the clocks of the two disagree.
        """
        if origin.is_in_order:
            return False
        if not origin.was_put_off:
            before = self._asked_before.get(key)
            is_known = before is not None and origin.taken_at < before <= self.now
            stopping = self._cancelled_before if origin.shares_queue else self.cancelled_at
            return is_known or self._is_stopped(key, origin, stopping)
        current = self.schedules.get(key)
        asked_at = current.asked_at if current else None
        is_known = asked_at is not None and origin.taken_at < asked_at
        return is_known or self._is_stopped(key, origin, self.cancelled_at)

    def _is_stopped(self, key: Key, origin: Origin, cancelled_at: Mapping[Key, datetime]) -> bool:
        """Whether a cancellation that found nothing came later, or so little before that it may have."""
        return any(
            origin.taken_at < at + (ZERO if self._is_order_known(key, one, origin) else MOMENT)
            for one in (key, (key[0], WHOLE_POST))
            if (at := cancelled_at.get(one)) is not None and at <= self.now
        )

    def _is_order_known(self, key: Key, cancelled: Key, origin: Origin) -> bool:
        return key in self._asked_before or (origin.shares_queue and cancelled in self.noted_here)

    def _is_overtaken_cancellation(self, current: Schedule, origin: Origin) -> bool:
        if current.state is State.CANCELLED or not self._is_overtaken(current.key, origin):
            return False
        return origin.was_put_off or not came_to_be_meanwhile(current, origin.taken_at)

    def _note_unmet(self, key: Key, origin: Origin) -> None:
        self.unmet[key] = self.cancelled_at[key] = max(origin.taken_at, self.cancelled_at.get(key, origin.taken_at))

    def _confirm(self, schedule: Schedule, origin: Origin) -> None:
        """Note that somebody wanted it so later than was known."""
        if schedule.asked_at is None or schedule.asked_at < origin.taken_at:
            confirmed = replace(schedule, asked_at=origin.taken_at)
            self.schedules[schedule.key] = self.confirmed[schedule.key] = confirmed

    def _may_be_on_its_way(self, current: Schedule) -> bool:
        return current.may_be_on_its_way and current.key not in self._taken_back

    def _wait(self, current: Schedule, request: PendingRequest) -> Waiting:
        self.waiting.append(request)
        expected_at = self.now if request.position == 0 else current.outcome_expected_at
        self.schedules[request.key] = replace(
            current, pending=request.position + 1, outcome_expected_at=expected_at, asked_at=request.asked_at
        )
        return Waiting(request.post_id, request.account_id)

    def _keep(self, schedule: Schedule) -> None:
        self._accounts_of[schedule.post_id].add(schedule.account_id)
        self.schedules[schedule.key] = schedule
        self.changed[schedule.key] = schedule
        self.confirmed.pop(schedule.key, None)


def _is_conflict(decision: Decision) -> bool:
    return isinstance(decision, Rejected) and decision.code == "conflict"
