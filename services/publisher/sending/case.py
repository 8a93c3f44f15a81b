"""A case: everything that is known, at one moment, of a post that a delivery asks to be published. No I/O."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from services.publisher.domain import Publication, StoredAccount
from services.publisher.limits.circuit_breaker import CircuitOpen, Turn
from services.publisher.limits.starts import Runner
from services.publisher.platforms.base import NEVER, Published, Ready
from services.publisher.platforms.errors import AlreadyThere, PlatformError, Unavailable
from services.publisher.sending.evidence import Attempt, Evidence, Standing, is_doubtful, standing
from shared.events.base import ErrorDetail
from shared.events.scheduler import PublishRequested


@dataclass(frozen=True, slots=True)
class Delivered:
    """A `publish.requested` that arrived, with the token under which it claims its post."""

    event: PublishRequested
    correlation_id: str
    token: str
    redelivered: bool = False
    is_replayed: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.event.post_id, self.event.account_id


@dataclass(frozen=True, slots=True)
class Certainty:
    """How doubts are settled on an account: the network's own word on repeated requests and on look-ups."""

    deduplicates_for: timedelta = NEVER
    answers_look_ups: bool = False
    look_up_lag: timedelta = timedelta(0)


WAITS_FOR_ITS_TURN = ErrorDetail(
    kind="rate_limited", code="rate_limited", message="waits for its turn under the account's limits"
)


@dataclass(frozen=True, slots=True)
class Blocked:
    """Others stand before the post, at its destination or under its limits: it had better rest until then."""

    until: datetime
    reason: ErrorDetail = WAITS_FOR_ITS_TURN

    @classmethod
    def by(cls, error: CircuitOpen, now: datetime) -> "Blocked":
        """By a destination that keeps its posts waiting because it does not answer."""
        reason = ErrorDetail(kind=Unavailable.kind, code="circuit_open", message=str(error))
        return cls(now + timedelta(seconds=error.rest_seconds), reason)


@dataclass(frozen=True, slots=True)
class Case:
    """One delivery's view of its post; `is_ours` while the delivery has the claim.

    `committed` are the attempts as the database has them, `problem` is why nothing can be sent on the account at all,
    `place` where the account publishes, `error` what the last step came to, `opened` our own attempt that is on its
    way, with its `turn` at the destination and, under limits, its `runner` for a start, and `is_looked_up` whether the
    network has been asked for the post.
    """

    delivered: Delivered
    publication: Publication
    attempts: tuple[Attempt, ...] = ()
    committed: tuple[Attempt, ...] = ()
    account: StoredAccount | None = None
    place: str | None = None
    certainty: Certainty = Certainty()
    is_ours: bool = True
    problem: str | None = None
    can_renew: bool = False
    has_renewed: bool = False
    jitter: float = 0.0
    ready: Ready | None = None
    opened: Attempt | None = None
    turn: Turn | None = None
    runner: Runner | None = None
    error: PlatformError | None = None
    blocked: Blocked | None = None
    is_looked_up: bool = False
    published: Published | None = None
    started_at: datetime | None = None

    @property
    def event(self) -> PublishRequested:
        return self.delivered.event

    @property
    def has_tries(self) -> bool:
        return self.publication.tries - self.publication.tries_before < self.event.retry.attempts

    @property
    def may_renew(self) -> bool:
        """Whether a token that was refused may have been the old one."""
        return self.can_renew and not self.has_renewed

    @property
    def changed_attempts(self) -> tuple[Attempt, ...]:
        """The attempts of which we know more than the database."""
        return tuple(one for one in self.attempts if one not in self.committed)

    @property
    def was_in_doubt(self) -> bool:
        """Whether an attempt at this revision is, or has been, in doubt: a withdrawal of then has been refused."""
        doubts = (Evidence.UNKNOWN, Evidence.DISPROVED)
        return any(one.evidence in doubts and one.revision == self.publication.revision for one in self.attempts)

    def standing(self, now: datetime) -> Standing:
        """What all attempts say together."""
        return standing(self.attempts, now)

    def doubtful(self, now: datetime) -> list[Attempt]:
        """The attempts that may have landed, oldest first."""
        return [attempt for attempt in self.attempts if is_doubtful(attempt, now)]

    def may_be_elsewhere(self, now: datetime) -> bool:
        """Whether it may have landed where the account does not publish any more: nothing said here tells of it."""
        return any(one.place is not None and one.place != self.place for one in self.doubtful(now))

    def failed(self, error: PlatformError) -> "Case":
        """The case after a step that came to an error; it counts as a try where that kind of error does."""
        one = self.publication
        if error.uses_try:
            one = replace(one, tries=one.tries + 1, waits=0)
        return replace(self, publication=replace(one, error=error.detail.model_dump_json()), error=error)

    def with_opened(self, attempt: Attempt, turn: Turn, runner: Runner | None = None) -> "Case":
        """The case with an attempt of ours committed as on its way, and with it what was known of others."""
        attempts = self._attempts_with(attempt)
        return replace(self, attempts=attempts, committed=attempts, opened=attempt, turn=turn, runner=runner)

    def begun(self, now: datetime) -> "Case":
        """The case whose attempt leaves now."""
        assert self.opened is not None, "only what is opened is sent"
        return replace(self, opened=replace(self.opened, start_at=now))

    def not_started(self) -> "Case":
        """The case after an attempt that was stopped at the last moment: nothing left."""
        return self._closed(Evidence.NOT_SENT)

    def waited(self) -> "Case":
        """The case after one more wait that uses no try."""
        return replace(self, publication=replace(self.publication, waits=self.publication.waits + 1))

    def withdrawn(self, reason: str) -> "Case":
        """The case after its revision has been withdrawn."""
        one = self.publication
        return replace(self, publication=replace(one, withdrawn=one.revision, withdrawn_because=reason))

    def lost(self, error: PlatformError) -> "Case":
        """The case after an attempt that did not simply succeed, with what its error proves.

        What is there already may be an attempt of before: what was taken for proof that it is not proves nothing then.
        """
        case = self._closed(error.evidence).failed(error)
        refuted = [one for one in case.attempts if one.evidence is Evidence.DISPROVED]
        for attempt in refuted if isinstance(error, AlreadyThere) else ():
            case = case._with(replace(attempt, evidence=Evidence.UNKNOWN))
        return case

    def landed(self, published: Published, started_at: datetime, now: datetime) -> "Case":
        """The case after an attempt that landed; repeats of one request are one post, so all that may have, have."""
        case = self._closed(Evidence.LANDED, publication=replace(self.publication, tries=self.publication.tries + 1))
        return case._out(published, started_at, now)

    def found(self, published: Published, now: datetime) -> "Case":
        """The case after a look-up that found the post."""
        return self._out(published, self.doubtful(now)[-1].start_at, now)

    def _out(self, published: Published, started_at: datetime, now: datetime) -> "Case":
        case = replace(self, published=published, started_at=started_at, error=None)
        for attempt in self.doubtful(now):
            case = case._with(replace(attempt, evidence=Evidence.LANDED))
        return case

    def not_found(self, now: datetime) -> "Case":
        """The case after a look-up that did not: absence is proved once nothing can be on its way any more."""
        case = replace(self, is_looked_up=True, error=None)
        if now < self.absence_proved_at(now):
            return case
        for attempt in self.doubtful(now):
            case = case._with(replace(attempt, evidence=Evidence.DISPROVED))
        return case

    def absence_proved_at(self, now: datetime) -> datetime:
        """From when on a look-up that does not find the post proves that it is not there."""
        return self.doubtful(now)[-1].lease_until + self.certainty.look_up_lag

    def knowing(self, before: "Case") -> "Case":
        """The case with what its delivery knows of attempts and has not committed yet, while it has the claim.

        What is open under our claim has not left: had we come to send it, we would not claim the post again.
        """
        if not self.is_ours:
            return self
        never_left = [
            replace(one, evidence=Evidence.NOT_SENT) for one in self.attempts if one.evidence is Evidence.OPEN
        ]
        case = self
        for attempt in (*never_left, *before.changed_attempts):
            case = case._with(attempt)
        return case

    def _closed(self, evidence: Evidence, **changes: Any) -> "Case":
        assert self.opened is not None, "only what was opened is closed"
        attempts = self._attempts_with(replace(self.opened, evidence=evidence))
        return replace(self, attempts=attempts, opened=None, turn=None, runner=None, **changes)

    def _with(self, attempt: Attempt) -> "Case":
        return replace(self, attempts=self._attempts_with(attempt))

    def _attempts_with(self, attempt: Attempt) -> tuple[Attempt, ...]:
        """The attempts with this one added, or in place of the one with its number."""
        others = tuple(one for one in self.attempts if one.number != attempt.number)
        return (*others, attempt)


def longest_send(ready: Ready | None, usual: timedelta) -> timedelta:
    """How long a send may take; what carries pictures takes longer than usual."""
    own: timedelta | None = getattr(ready, "send_timeout", None)
    return max(own or usual, usual)
