"""Withdrawals that came a moment ago: the last look before a send, without a query."""

from dataclasses import dataclass, field

from services.publisher.domain import Key, Publication

MOST_REMEMBERED = 10_000


@dataclass
class Withdrawals:
    """The latest withdrawals, in memory; the database has them all."""

    _noted: dict[Key, tuple[int, str]] = field(default_factory=dict)

    def note(self, key: Key, revision: int, reason: str) -> None:
        """Remember that revisions up to this one must not be sent."""
        known = self._noted.pop(key, (0, reason))
        self._noted[key] = max(known, (revision, reason), key=lambda one: one[0])
        if len(self._noted) > MOST_REMEMBERED:
            del self._noted[next(iter(self._noted))]

    def reason(self, publication: Publication) -> str | None:
        """Why the revision must not be sent, or None where it may."""
        revision, reason = self._noted.get(publication.key, (0, ""))
        return reason if revision >= publication.revision else None
