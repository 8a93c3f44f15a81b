"""The desk: requests are decided one after another, each on what those before it left. No I/O."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from services.scheduler.domain import (
    Accepted,
    Cancelled,
    KnownAccount,
    Rejected,
    Schedule,
    decide,
    decide_cancel,
)
from services.scheduler.wishes import Wish

Key = tuple[str, str]


@dataclass
class Desk:
    """The schedules that a group of requests concerns, as they become while the requests are decided in order."""

    schedules: dict[Key, Schedule]
    accounts: dict[str, KnownAccount]
    now: datetime
    changed: dict[Key, Schedule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._accounts_of: defaultdict[str, set[str]] = defaultdict(set)
        for post_id, account_id in self.schedules:
            self._accounts_of[post_id].add(account_id)

    def place(self, wish: Wish, correlation_id: str) -> Accepted | Rejected:
        """Decide a wish and keep its result for the next one."""
        current = self.schedules.get(wish.key)
        account = self.accounts.get(wish.account_id)
        decision = decide(wish, current, account=account, correlation_id=correlation_id, now=self.now)
        if isinstance(decision, Accepted) and decision.changed:
            self._keep(decision.schedule)
        return decision

    def cancel(self, post_id: str, account_id: str) -> Cancelled | Rejected:
        """Decide a cancellation and keep its result."""
        current = self.schedules.get((post_id, account_id))
        decision = decide_cancel(post_id, account_id, current, self.now)
        if isinstance(decision, Cancelled) and decision.schedule is not current:
            self._keep(decision.schedule)
        return decision

    def accounts_of(self, post_id: str) -> list[str]:
        """The accounts a post is scheduled for."""
        return sorted(self._accounts_of[post_id])

    def _keep(self, schedule: Schedule) -> None:
        self._accounts_of[schedule.post_id].add(schedule.account_id)
        self.schedules[schedule.key] = schedule
        self.changed[schedule.key] = schedule
