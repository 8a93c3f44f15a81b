"""The steps of a case: what can be done next with a post. No I/O."""

from dataclasses import dataclass
from datetime import datetime

from services.publisher.sending.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Prepare:
    """Do all that can be done before the instant: a token that lasts, media uploaded, the request built."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """Wait for a turn at the destination and under the limits, and commit an attempt with its start."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send our open attempt at its start."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask the network whether the post is there."""


@dataclass(frozen=True, slots=True)
class Renew:
    """Get a new token in place of the one that was refused."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait a moment and claim the post again: another sender is at it."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Let the message rest: the retry is not due yet, and nothing has changed."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Settle:
    """Commit what became of it."""

    outcome: Outcome


Step = Prepare | Reserve | Send | LookUp | Renew | Wait | Rest | Settle
