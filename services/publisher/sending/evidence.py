"""Evidence: what is known of each attempt to publish a post, and what all of them together allow. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto


class Evidence(StrEnum):
    """What is known of one attempt."""

    OPEN = "open"
    """It is committed as about to be sent; its sender has a lease."""
    NOT_SENT = "not_sent"
    """Nothing arrived: name, connection or TLS failed, or it was withdrawn or too late at the last moment."""
    REFUSED = "refused"
    """The network answered, in a way that it documents as not taken."""
    UNKNOWN = "unknown"
    """The request may have landed: no reply, a reply that makes no sense, or a sender that died."""
    LANDED = "landed"
    """The network says that the post is there, in its reply or in a look-up."""
    DISPROVED = "disproved"
    """It was unknown, and a look-up that can prove absence, or a person, has proved it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one revision of a post. Its request may leave from `start_at` to `latest_at`, not later.

    Until `lease_until` nobody but its sender touches the post; after that the request is no longer on its way. `place`
    is where the account published then, None where that was not noted yet.
    """

    post_id: str
    account_id: str
    number: int
    revision: int
    evidence: Evidence
    start_at: datetime
    latest_at: datetime
    lease_until: datetime
    place: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.post_id, self.account_id


class Standing(Enum):
    """What all attempts at all revisions of a post on an account say together."""

    NOTHING_OUT = auto()
    """Nothing was published: retry, edit, cancel, fail and hold are all allowed."""
    ON_ITS_WAY = auto()
    """Another sender is at it, under its lease."""
    IN_DOUBT = auto()
    """It may be out: only the very same request, a look-up or a person may settle it."""
    LANDED = auto()
    """It is out, for good."""


def standing(attempts: Iterable[Attempt], now: datetime) -> Standing:
    """What stands: landed before all else, then what is on its way, then doubt."""
    at_most = Standing.NOTHING_OUT
    for attempt in attempts:
        at_most = max(at_most, _standing_of(attempt, now), key=_RANK.__getitem__)
    return at_most


def is_doubtful(attempt: Attempt, now: datetime) -> bool:
    """Whether the attempt may have landed: its outcome is unknown, or its sender died before telling it."""
    return _standing_of(attempt, now) is Standing.IN_DOUBT


def _standing_of(attempt: Attempt, now: datetime) -> Standing:
    match attempt.evidence:
        case Evidence.LANDED:
            return Standing.LANDED
        case Evidence.UNKNOWN:
            return Standing.IN_DOUBT
        case Evidence.OPEN:
            return Standing.ON_ITS_WAY if now < attempt.lease_until else Standing.IN_DOUBT
    return Standing.NOTHING_OUT


_RANK = {Standing.NOTHING_OUT: 0, Standing.IN_DOUBT: 1, Standing.ON_ITS_WAY: 2, Standing.LANDED: 3}
