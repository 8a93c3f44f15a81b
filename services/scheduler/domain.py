"""Schedules, accounts and the decisions there can be on a request. No I/O."""

from dataclasses import dataclass
from datetime import datetime

from services.scheduler.near_posts import NearKeys
from services.scheduler.wanted_posts import NO_MEDIA, WantedPost
from shared.events.progress import Progress, State
from shared.events.rules import PostRules
from shared.events.scheduler import RejectionCode


@dataclass(frozen=True, slots=True)
class Schedule:
    """A post on one account, as it is to be published."""

    post_id: str
    account_id: str
    revision: int
    state: State
    attempts: int
    retries: int
    """How often a person has asked for it again."""
    publish_at: datetime
    content: str
    media: str
    options: str
    late_policy: str
    retry: str
    callback_url: str | None
    fingerprint: str
    correlation_id: str
    claimed_until: datetime | None
    outcome_expected_at: datetime
    sweeps: int
    updated_at: datetime
    text_key: int | None
    minute_key: int | None
    in_doubt: bool
    """Whether an attempt may have landed."""
    pending: int
    """How many requests wait until the publisher has told whether this revision is taken back."""
    asked_at: datetime | None
    """When the latest request arrived that it is as it is by, or that waits."""

    @property
    def key(self) -> tuple[str, str]:
        return self.post_id, self.account_id

    def is_as(self, wanted: WantedPost) -> bool:
        """Whether nothing is left to do for it to be as wanted."""
        return self.state is not State.CANCELLED and self.fingerprint == wanted.fingerprint

    @property
    def has_media(self) -> bool:
        return self.media != NO_MEDIA

    @property
    def near_keys(self) -> NearKeys:
        return self.text_key, self.minute_key

    @property
    def progress(self) -> Progress:
        return Progress(self.state, self.revision, self.attempts, self.in_doubt, self.retries)

    @property
    def may_be_on_its_way(self) -> bool:
        """Whether a message for this revision may be with the broker or the publisher."""
        waits_for_its_first_dispatch = self.state is State.SCHEDULED and not self.claimed_until and not self.sweeps
        return not (waits_for_its_first_dispatch or self.state is State.CANCELLED)


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """What the scheduler has learned of an account; `rules` are what its posts must satisfy."""

    connected: bool
    rules: PostRules | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The schedule as it now stands; `superseded` is a revision that may have been on its way, and was taken back."""

    schedule: Schedule
    changed: bool
    request_id: str
    is_known: bool
    """Whether the scheduler knows the account."""
    superseded: int | None = None
    misspelt: str | None = None
    """Fields that are nearly known ones, and were ignored."""


@dataclass(frozen=True, slots=True)
class Rejected:
    post_id: str
    account_id: str | None
    code: RejectionCode
    reason: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Waiting:
    """The request is decided once the publisher has told what becomes of the revision that it is to replace."""

    post_id: str
    account_id: str


Decision = Accepted | Rejected | Cancelled | Waiting
