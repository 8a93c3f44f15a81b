"""Posts on accounts: how far each has come, when it is planned for, what it says."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.console.domain.parts import Key, greater
from shared.events.progress import Progress, Rank, State

CHANGEABLE = frozenset({State.SCHEDULED, State.DISPATCHED, State.RETRYING, State.HELD, State.SKIPPED, State.FAILED})
"""States of a post that has certainly not been published and that nobody has cancelled."""
RETRIABLE = frozenset({State.FAILED, State.HELD})
RESOLVABLE = frozenset({State.UNKNOWN})
CANCELLABLE = CHANGEABLE - {State.SKIPPED, State.FAILED}

COMING = (State.SCHEDULED, State.DISPATCHED, State.SENDING, State.RETRYING)
"""States of a post that will go out by itself."""
TO_DECIDE = (State.UNKNOWN, State.HELD)
"""States of a post that waits for a person."""
DROPPED = (State.CANCELLED, State.SKIPPED)

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a post has come, with what the fact said about it."""

    progress: Progress
    error: str | None = None
    reason: str | None = None
    next_attempt_at: datetime | None = None
    platform: str | None = None
    platform_post_id: str | None = None
    url: str | None = None
    published_at: datetime | None = None
    lateness_ms: float | None = None

    @property
    def order(self) -> tuple[Rank, datetime, datetime]:
        """Of facts that tell of the same progress the one of the later instant came later."""
        return self.progress.rank, self.next_attempt_at or _NEVER, self.published_at or _NEVER


@dataclass(frozen=True, slots=True)
class Plan:
    """When a revision is to be published, and by which request; an accepted plan wins over one merely seen."""

    revision: int
    is_accepted: bool
    publish_at: datetime
    request_id: str
    warning: str | None = None

    @property
    def order(self) -> tuple[int, bool]:
        return self.revision, self.is_accepted


@dataclass(frozen=True, slots=True)
class Content:
    """What a revision says: JSON of its content, media, options, late policy, retry policy and callback."""

    revision: int
    body: str

    @property
    def order(self) -> int:
        return self.revision


@dataclass(frozen=True, slots=True)
class Post:
    """One post on one account; `as_of` says since when it is so, where that is told later than it happened."""

    post_id: str
    account_id: str
    standing: Standing
    plan: Plan | None = None
    content: Content | None = None
    as_of: datetime | None = field(default=None, compare=False)

    @property
    def key(self) -> Key:
        return self.post_id, self.account_id

    @property
    def state(self) -> State:
        return self.standing.progress.state

    @property
    def shown_revision(self) -> int:
        """The revision that people see: the one that was published, else the latest."""
        latest = max(part.revision for part in (self.standing.progress, self.plan, self.content) if part)
        return self.standing.progress.revision if self.state is State.PUBLISHED else latest

    @property
    def due_at(self) -> datetime | None:
        """When it is or was to be published, as well as the facts tell."""
        if self.plan and (self.state is not State.PUBLISHED or self.plan.revision == self.shown_revision):
            return self.plan.publish_at
        published_at, lateness_ms = self.standing.published_at, self.standing.lateness_ms
        return published_at - timedelta(milliseconds=lateness_ms or 0) if published_at else None


def merged(one: Post | None, other: Post) -> Post:
    """What both tell together."""
    if one is None or one == other:
        return other
    standing = greater(one.standing, other.standing) or other.standing
    plan, content = greater(one.plan, other.plan), greater(one.content, other.content)
    as_of = max(one.as_of, other.as_of) if one.as_of and other.as_of else None
    return Post(one.post_id, one.account_id, standing, plan, content, as_of)
