"""What the publisher decides, without I/O: whether to send, when to try again, when to give up."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.events.progress import State
from shared.events.requests import LatePolicy
from shared.events.scheduler import PublishRequested

MAX_ATTEMPTS = 3
FIRST_BACKOFF = timedelta(seconds=5)
LONGEST_BACKOFF = timedelta(hours=1)
JITTER = 0.1
ON_TIME = timedelta(seconds=2)
"""Lateness that is never held against a post, whatever its policy."""
LONGEST_HOLD = timedelta(seconds=10)
"""A wait up to this long is slept; a longer one is spent in a retry queue."""
SHORTEST_REST = timedelta(seconds=5)
"""The shortest stay in a retry queue: how long after its time a retry may come back without being late."""
SLOT_LASTS = timedelta(milliseconds=50)
"""How much later than its rate-limit slot a send may start; later it could meet those of the next window."""

CLAIMED = "claimed"
"""Being prepared: nothing has been sent, and another delivery may take over."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A post on one account as the publisher knows it."""

    post_id: str
    account_id: str
    revision: int
    state: str
    attempts: int
    attempts_allowed: int
    publish_at: datetime
    not_before: datetime
    slot_at: datetime | None
    claim_token: str | None
    lease_until: datetime | None
    platform: str | None
    outcome: str | None
    request: str
    correlation_id: str
    updated_at: datetime

    @property
    def key(self) -> tuple[str, str]:
        return self.post_id, self.account_id

    @property
    def start_at(self) -> datetime:
        """When the send may start: due, past its backoff, and in its rate-limit slot."""
        return max(self.not_before, self.slot_at) if self.slot_at else self.not_before

    def has_missed_its_slot(self, now: datetime) -> bool:
        """Whether a send that started now would be where others may send."""
        return self.slot_at is not None and now - self.slot_at > SLOT_LASTS


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account as it is kept. `credentials`, as they were given, and `renewed`, what replaces them, are encrypted."""

    account_id: str
    platform: str
    settings: str
    credentials: str
    limits: str
    connected: bool
    changed_at: datetime
    renewed: str | None = None
    token_expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    renewing_until: datetime | None = None
    needs_reconnect: bool = False
    app: str | None = None
    closed_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Revisions up to this one must not be sent."""

    revision: int
    reason: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """It is ours to prepare and send."""

    publication: Publication


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A sender died in the middle: the request may have landed. It is ours to find out."""

    publication: Publication


@dataclass(frozen=True, slots=True)
class Wait:
    """Another sender is at it, or its next attempt is not due yet; `postponed` is what this delivery itself put off."""

    until: datetime
    postponed: Publication | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """There is nothing left to do; `outcome` is what became of it."""

    publication: Publication


@dataclass(frozen=True, slots=True)
class Skip:
    """It must not be sent any more. `publication` is None where a newer revision stands in its place."""

    publication: Publication | None
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A person must decide."""

    publication: Publication
    reason: str


Decision = Claimed | Ambiguous | Wait | Settled | Skip | Hold


@dataclass(frozen=True, slots=True)
class Delivered:
    """A `publish.requested` that arrived, with the token its claim will carry."""

    event: PublishRequested
    correlation_id: str
    token: str

    @property
    def key(self) -> tuple[str, str]:
        return self.event.post_id, self.event.account_id


def decide(
    delivered: Delivered,
    current: Publication | None,
    tombstone: Tombstone | None,
    *,
    lease: timedelta,
    now: datetime,
) -> Decision:
    """What to do with a `publish.requested`, however often and in whatever order it arrives."""
    event = delivered.event
    if current and (current.state in _FINAL or _is_settled(current, event.revision)):
        return Settled(current)
    if current and current.state == State.SENDING:
        return _decide_sending(delivered, current, lease=lease, now=now)
    if current and event.revision < current.revision:
        return Skip(None, "superseded")
    if tombstone and event.revision <= tombstone.revision:
        return Skip(_new(delivered, now), tombstone.reason)
    if current and current.revision == event.revision:
        return _decide_known(delivered, current, now=now)
    return _decide_new(delivered, now=now)


_FINAL = (State.PUBLISHED, State.UNKNOWN)
"""What no revision may go past: the post is on the platform, or may be."""


def _is_settled(current: Publication, revision: int) -> bool:
    return current.revision == revision and current.state in (State.FAILED, State.HELD, State.SKIPPED)


def _decide_sending(delivered: Delivered, current: Publication, *, lease: timedelta, now: datetime) -> Wait | Ambiguous:
    if current.lease_until and now < current.lease_until:
        return Wait(current.lease_until)
    return Ambiguous(replace(current, claim_token=delivered.token, lease_until=now + lease, updated_at=now))


def _decide_known(delivered: Delivered, current: Publication, *, now: datetime) -> Claimed | Wait | Skip | Hold:
    if current.start_at - now > LONGEST_HOLD and current.state == State.RETRYING:
        return Wait(current.start_at)
    expected_at = current.start_at + SHORTEST_REST if current.state == State.RETRYING else current.start_at
    claimed = replace(current, state=CLAIMED, claim_token=delivered.token, updated_at=now)
    return _unless_too_late(delivered.event.late_policy, claimed, expected_at, now)


def _decide_new(delivered: Delivered, *, now: datetime) -> Claimed | Skip | Hold:
    publication = _new(delivered, now)
    return _unless_too_late(delivered.event.late_policy, publication, publication.start_at, now)


def _unless_too_late(
    policy: LatePolicy, publication: Publication, expected_at: datetime, now: datetime
) -> Claimed | Skip | Hold:
    """A claim; but what was found overdue, by a publisher that was away, follows its policy."""
    verdict = too_late(policy, expected_at, now)
    if verdict == "skip":
        return Skip(publication, "too_late")
    if verdict == "hold":
        late = timedelta(seconds=round((now - expected_at).total_seconds()))
        return Hold(publication, f"found {late} after it was due, later than its grace allows")
    return Claimed(publication)


def too_late(policy: LatePolicy, expected_at: datetime, now: datetime) -> str | None:
    """`skip` or `hold` for a post found overdue by more than its grace; None while it may be sent."""
    grace = max(timedelta(seconds=policy.grace_seconds), ON_TIME)
    if now - expected_at <= grace:
        return None
    return "skip" if policy.mode == "skip" else "hold"


def _new(delivered: Delivered, now: datetime) -> Publication:
    event = delivered.event
    return Publication(
        post_id=event.post_id,
        account_id=event.account_id,
        revision=event.revision,
        state=CLAIMED,
        attempts=0,
        attempts_allowed=MAX_ATTEMPTS,
        publish_at=event.publish_at,
        not_before=event.publish_at,
        slot_at=None,
        claim_token=delivered.token,
        lease_until=None,
        platform=None,
        outcome=None,
        request=event.body().decode(),
        correlation_id=delivered.correlation_id,
        updated_at=now,
    )


def backoff(attempts: int, *, jitter: float) -> timedelta:
    """How long to wait after so many attempts: 5 s, 10 s, 20 s … one hour; `jitter` is a random number from 0 to 1."""
    doubled = FIRST_BACKOFF * (1 << min(attempts - 1, 20))
    return min(doubled, LONGEST_BACKOFF) * (1 + JITTER * jitter)


def again(publication: Publication, *, not_before: datetime, used_attempt: bool, now: datetime) -> Publication:
    """The publication waiting for its next attempt."""
    return replace(
        publication,
        state=State.RETRYING,
        attempts=publication.attempts if used_attempt else publication.attempts - 1,
        not_before=not_before,
        slot_at=None,
        claim_token=None,
        lease_until=None,
        updated_at=now,
    )


def postponed(publication: Publication, slot_at: datetime, now: datetime) -> Publication:
    """The publication waiting for the rate-limit slot it keeps; its place in line is still that of its due instant."""
    return replace(publication, state=State.RETRYING, slot_at=slot_at, claim_token=None, updated_at=now)


def settled(publication: Publication, state: State, outcome: str, now: datetime) -> Publication:
    """The publication with what became of it."""
    return replace(
        publication, state=state, outcome=outcome, slot_at=None, claim_token=None, lease_until=None, updated_at=now
    )


def revived(publication: Publication, now: datetime) -> Publication:
    """A failed, held or skipped publication that a person wants tried again, with a new set of attempts."""
    return replace(
        publication,
        state=State.RETRYING,
        attempts_allowed=publication.attempts + MAX_ATTEMPTS,
        not_before=now,
        outcome=None,
        claim_token=None,
        lease_until=None,
        updated_at=now,
    )
