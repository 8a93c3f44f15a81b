"""Cancellations heard a moment ago: the last look before a send, without a query."""

from dataclasses import dataclass, field

from services.publisher.domain import Publication, Tombstone

Key = tuple[str, str]


@dataclass
class Revoked:
    """The latest tombstones, in memory; the database has them all."""

    most: int = 10_000
    _tombstones: dict[Key, Tombstone] = field(default_factory=dict)

    def add(self, key: Key, tombstone: Tombstone) -> None:
        """Remember that revisions up to this one must not be sent."""
        known = self._tombstones.pop(key, tombstone)
        self._tombstones[key] = max(tombstone, known, key=lambda one: one.revision)
        if len(self._tombstones) > self.most:
            del self._tombstones[next(iter(self._tombstones))]

    def reason(self, publication: Publication) -> str | None:
        """Why the publication must not be sent, or None where it may."""
        tombstone = self._tombstones.get(publication.key)
        return tombstone.reason if tombstone and tombstone.revision >= publication.revision else None
