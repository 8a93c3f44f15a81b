"""What maintenance knows of accounts, job runs and services, and the alerts it keeps open. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from shared.events.maintenance import Overdue
from shared.events.progress import Progress, State
from shared.events.publisher import AccountConnected, AccountDisconnected, AccountRefreshed, AccountRefreshFailed

REFRESH_AHEAD = timedelta(minutes=30)
PENDING_FOR = timedelta(minutes=10)
"""How long an answer to a refresh request is waited for before it is asked for again."""
CLOCKS_DIFFER = timedelta(minutes=5)
SETTLING = timedelta(minutes=2)
"""What a start or a restart may take before it is anything to tell; also maintenance's own, which then hears of all
that was told meanwhile."""
SILENT_AFTER = timedelta(minutes=5) - SETTLING
"""How old the last report of a service may be; it is told once that has lasted."""
STILL_SO = timedelta(seconds=100)
"""A process reports every minute. What it said before may be over, or the process: one report alone is less than what
a start may take."""
SHORT_LIFE = timedelta(minutes=1)
"""A process that lives longer reports again."""
SHORT_LIVES_WITHIN = timedelta(minutes=10)

Severity = Literal["info", "warning", "critical"]
AccountFact = AccountConnected | AccountRefreshed | AccountRefreshFailed | AccountDisconnected


@dataclass(frozen=True, slots=True)
class Account:
    """An account's access, as its latest event tells it. `can_refresh` is None where nobody has said."""

    account_id: str
    platform: str
    connected: bool
    changed_at: datetime
    token_expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    can_refresh: bool | None = None
    needs_reconnect: bool = False
    refresh_asked_at: datetime | None = None

    @property
    def ends_at(self) -> datetime | None:
        """The end that no refresh can move; None where there is none that is known."""
        return self.token_expires_at if self.can_refresh is False else self.refresh_expires_at

    def is_to_be_refreshed(self, now: datetime) -> bool:
        """Whether its token ends soon, a refresh may help, and none has been asked for that may still be answered."""
        if not self.connected or self.needs_reconnect or self.can_refresh is False or self.token_expires_at is None:
            return False
        is_pending = self.refresh_asked_at is not None and abs(now - self.refresh_asked_at) < PENDING_FOR
        return self.token_expires_at <= now + REFRESH_AHEAD and not is_pending


def learned(known: Account | None, fact: AccountFact, arrived_at: datetime, *, now: datetime) -> Account | None:
    """The account after a fact; None where the fact is older than what is known, and says nothing that is not.

    One from further in the future than clocks differ is of now: it must not outdo what is told once its clock is right.
    """
    told_at = fact.changed_at or arrived_at
    at = now if told_at > now + CLOCKS_DIFFER else told_at
    if known is not None and at < known.changed_at:
        return _completed(known, fact)
    platform = fact.platform or (known.platform if known else "unknown")
    before = known or Account(fact.account_id, platform, connected=True, changed_at=at)
    return replace(before, platform=platform, changed_at=at, refresh_asked_at=None, **_told(fact, before))


def _completed(known: Account, fact: AccountFact) -> Account | None:
    """The account with what only its connection tells, where a renewal of it has come first."""
    if not isinstance(fact, AccountConnected) or known.can_refresh is not None or fact.can_refresh is None:
        return None
    refresh_expires_at = known.refresh_expires_at or fact.refresh_expires_at
    return replace(known, can_refresh=fact.can_refresh, refresh_expires_at=refresh_expires_at)


def _told(fact: AccountFact, before: Account) -> Mapping[str, Any]:
    match fact:
        case AccountConnected():
            return {
                "connected": True,
                "token_expires_at": fact.token_expires_at,
                "refresh_expires_at": fact.refresh_expires_at,
                "can_refresh": fact.can_refresh,
                "needs_reconnect": False,
            }
        case AccountRefreshed():
            return {
                "token_expires_at": fact.token_expires_at,
                "refresh_expires_at": fact.refresh_expires_at or before.refresh_expires_at,
                "can_refresh": False if _is_unmoved(fact, before) else before.can_refresh,
                "needs_reconnect": fact.needs_reconnect,
            }
        case AccountRefreshFailed():
            return {
                "token_expires_at": fact.token_expires_at or before.token_expires_at,
                "needs_reconnect": fact.needs_reconnect,
            }
        case AccountDisconnected():
            return {"connected": False, "token_expires_at": None, "refresh_expires_at": None, "needs_reconnect": False}


def _is_unmoved(fact: AccountRefreshed, before: Account) -> bool:
    """Whether the refresh that was asked for left the token's end where it was: then none can move it.

    What is told unasked, such as the same again, says nothing of that.
    """
    is_asked_for = before.refresh_asked_at is not None
    return is_asked_for and fact.token_expires_at is not None and fact.token_expires_at == before.token_expires_at


Key = tuple[str, str]
"""post_id and account_id."""


WAITS = (State.UNKNOWN, State.HELD)
"""What a person has to decide."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a post has come on an account, as a fact tells it; `at` is when that was told."""

    key: Key
    progress: Progress
    at: datetime

    @property
    def waits(self) -> bool:
        """Whether the post waits for a person."""
        return self.progress.state in WAITS

    @property
    def may_end_a_wait(self) -> bool:
        """Whether the post may have waited for a person before, though that has not come yet.

        That it is out is kept with the outcomes, and a retry that nobody asked for ends no wait.
        """
        if self.progress.state is State.RETRYING:
            return self.progress.retries > 0
        return self.progress.state is not State.PUBLISHED

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody cancelled the post."""
        return self.progress.state is State.CANCELLED

    def is_beyond(self, other: "Standing") -> bool:
        """Whether this came after the other; a doubt outlives a cancellation that was taken before it was known."""
        if self.progress.state is State.UNKNOWN and other.is_cancelled:
            return self.progress.revision >= other.progress.revision
        return self.progress.is_beyond(other.progress)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many posts of an account wait for a person in this state, one of them, and since when the first one does."""

    account_id: str
    state: State
    posts: int
    example: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Failing:
    """Posts of an account that failed for good for one reason, none of the account's having been published since.

    `since_the_network_published` of them failed after the last that was published on the network, on any account.
    """

    network: str
    account_id: str
    code: str
    posts: int
    since_the_network_published: int
    since: datetime
    example: str
    message: str


@dataclass(frozen=True, slots=True)
class JobRun:
    """A run of a job, as its events tell it."""

    run_id: str
    job: str
    service: str | None
    state: str
    started_at: datetime
    ended_at: datetime | None = None
    duration_ms: float | None = None
    period_seconds: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """How a process said it was."""

    service: str
    instance: str
    reported_at: datetime
    outbox_age_seconds: float | None
    problems: Mapping[str, str]
    queues: tuple[str, ...]
    up_seconds: float | None = None
    overdue: Overdue | None = None


def sentence(text: str) -> str:
    """The text as people are told it: it begins with a capital."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that should not be, as it is now. A higher `grade` of the same is worth telling again.

    It is told when it has lasted for `patience`, and once a day from then on if it is `reminded` of.
    """

    code: str
    subject: str
    severity: Severity
    message: str
    grade: int = 0
    patience: timedelta = timedelta(0)
    reminded: bool = True

    @property
    def key(self) -> tuple[str, str]:
        return self.code, self.subject


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition that was seen; `told_at` is None while it may still pass unsaid, `gone_at` since it is not seen."""

    code: str
    subject: str
    severity: str
    message: str
    grade: int
    seen_at: datetime
    told_at: datetime | None = None
    gone_at: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.code, self.subject


@dataclass(frozen=True, slots=True)
class Tried:
    """How often a target was tried with an alert, whether it took it, and when it was tried last."""

    attempts: int
    is_sent: bool
    tried_at: datetime
