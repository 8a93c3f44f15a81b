"""The way of a post that has been claimed, as far as it has come. No I/O."""

from dataclasses import dataclass
from datetime import datetime

from services.publisher.accounts.credentials import destination_of
from services.publisher.domain import Publication, StoredAccount, too_late
from services.publisher.platforms.base import Ready
from shared.events.requests import LatePolicy


@dataclass
class Way:
    """One try at a claimed post, ready once it is prepared; it may have to start over, with a new token or slot."""

    publication: Publication
    stored: StoredAccount
    policy: LatePolicy
    may_renew: bool = True
    ready: Ready | None = None
    renewed: bool = False
    starts_over: bool = False

    @property
    def destination(self) -> str:
        return destination_of(self.stored)

    def once_more(self, publication: Publication, stored: StoredAccount) -> "Way":
        """The next try; what was prepared is still good, unless it was with another token or for another text."""
        is_the_same = publication.revision == self.publication.revision and stored.changed_at == self.stored.changed_at
        ready = self.ready if is_the_same and not self.renewed else None
        return Way(publication, stored, self.policy, may_renew=self.may_renew and not self.renewed, ready=ready)

    def has_missed_its_time(self, now: datetime) -> bool:
        """Whether it must be decided anew: its slot is over, or it is too late by its policy."""
        return self.publication.has_missed_its_slot(now) or bool(too_late(self.policy, self.publication.start_at, now))
