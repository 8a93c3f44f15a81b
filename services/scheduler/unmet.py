"""Cancellations of posts that nobody knows yet: which requests they stop. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.scheduler.domain import Decision, Rejected, Schedule

Key = tuple[str, str]

MOMENT = timedelta(seconds=0.5)
"""How much later a request may be taken that came first: by a replica that is busy or whose clock differs, or from
another queue.

What is taken in this time after a cancellation that finds nothing counts as older. The answer comes afterwards, so that
whoever asks again once he has it is later.
"""
REMEMBERED = timedelta(minutes=1)
"""How long a replica remembers what it noted itself; a group of requests is decided or given up within it."""


@dataclass
class NotedHere:
    """The cancellations that this replica has noted: what it takes after them is later, however soon it comes."""

    _noted: dict[Key, datetime] = field(default_factory=dict)

    def note(self, cancelled_at: Mapping[Key, datetime], now: datetime) -> None:
        """Remember them for a while."""
        for key, at in cancelled_at.items():
            self._noted.pop(key, None)
            self._noted[key] = at
        while self._noted and self._noted[oldest := next(iter(self._noted))] + REMEMBERED < now:
            del self._noted[oldest]

    def among(self, cancelled_at: Mapping[Key, datetime]) -> set[Key]:
        """Those that were noted here."""
        return {key for key, at in cancelled_at.items() if self._noted.get(key) == at}


def found_nothing(decisions: Iterable[Decision]) -> bool:
    """Whether a cancellation met nothing at all."""
    return all(isinstance(one, Rejected) and one.code == "not_found" for one in decisions)


def came_to_be_meanwhile(schedule: Schedule, cancelled_at: datetime) -> bool:
    """Whether nobody knew the post when its cancellation was taken, so that it can only mean this request."""
    is_new = schedule.revision == 1 and schedule.updated_at >= cancelled_at
    return is_new and schedule.asked_at is not None and schedule.asked_at < cancelled_at + MOMENT
