"""Requests that wait until the publisher has told what becomes of the revision that they are to replace. No I/O."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import TypeAdapter

from services.scheduler.origin import Origin
from services.scheduler.wanted_posts import WantedPost

Reason = Literal["cancelled", "superseded"]
Kind = Literal["edit", "cancel"]

_WANTED = TypeAdapter(WantedPost)


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request for one post on one account, as a row; those of lower position came before it."""

    post_id: str
    account_id: str
    position: int
    kind: Kind
    body: str | None
    """What an edit wants, as JSON; of a cancellation the revision that it expects, if it does."""
    correlation_id: str
    asked_at: datetime
    request_id: str | None

    @property
    def key(self) -> tuple[str, str]:
        return self.post_id, self.account_id

    @property
    def origin(self) -> Origin:
        """Where it comes from; its order has been looked at when it came."""
        return Origin(self.correlation_id, self.request_id or self.correlation_id, self.asked_at, is_in_order=True)

    @property
    def wanted(self) -> WantedPost | None:
        """What is wanted; a cancellation wants nothing."""
        return _WANTED.validate_json(self.body) if self.body and self.kind == "edit" else None

    @property
    def expected_revision(self) -> int | None:
        """The revision that a cancellation is meant for."""
        return int(self.body) if self.body and self.kind == "cancel" else None

    @property
    def reason(self) -> Reason:
        """Why the revision before is to be taken back."""
        return "cancelled" if self.kind == "cancel" else "superseded"


def pending_edit(wanted: WantedPost, position: int, origin: Origin) -> PendingRequest:
    """An edit that waits."""
    body = _WANTED.dump_json(wanted).decode()
    return _pending(wanted.key, position, "edit", body, origin)


def pending_cancellation(
    post_id: str, account_id: str, position: int, origin: Origin, expected_revision: int | None = None
) -> PendingRequest:
    """A cancellation that waits."""
    body = None if expected_revision is None else str(expected_revision)
    return _pending((post_id, account_id), position, "cancel", body, origin)


def _pending(key: tuple[str, str], position: int, kind: Kind, body: str | None, origin: Origin) -> PendingRequest:
    return PendingRequest(*key, position, kind, body, origin.correlation_id, origin.taken_at, origin.request_id)
