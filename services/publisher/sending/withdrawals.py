"""Withdrawals that came a moment ago: the last look before a send, without a query."""

from dataclasses import dataclass, field

from services.publisher.domain import Key, Publication
from shared.clocks.clock import loop_time

MOST_REMEMBERED = 10_000
REMEMBERED_SECONDS = 600.0
"""Longer than an attempt is open. After that the database knows better: the withdrawal may have been refused because of
a doubt, or the post's id be used again, when all that was kept of it is deleted and its revisions begin anew."""

Noted = tuple[int, str, float]
"""The revision, why, and when by the loop's time."""


@dataclass
class Withdrawals:
    """The latest withdrawals, in memory; the database has them all."""

    _noted: dict[Key, Noted] = field(default_factory=dict)

    def note(self, key: Key, revision: int, reason: str) -> None:
        """Remember that revisions up to this one must not be sent."""
        known, now = self._noted.pop(key, None), loop_time()
        is_further = known is not None and known[0] > revision and _is_of_late(known, now)
        self._noted[key] = known if known and is_further else (revision, reason, now)
        if len(self._noted) > MOST_REMEMBERED:
            del self._noted[next(iter(self._noted))]

    def reason(self, publication: Publication) -> str | None:
        """Why the revision must not be sent, or None where it may."""
        noted = self._noted.get(publication.key)
        if noted is None or not _is_of_late(noted, loop_time()):
            return None
        revision, reason, _ = noted
        return reason if revision >= publication.revision else None


def _is_of_late(noted: Noted, now: float) -> bool:
    *_, noted_at = noted
    return now - noted_at < REMEMBERED_SECONDS
