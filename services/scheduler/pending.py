"""Requests that wait until the publisher has told what becomes of the revision that they are to replace. No I/O."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import TypeAdapter

from services.scheduler.wanted_posts import WantedPost

Reason = Literal["cancelled", "superseded"]

_WANTED = TypeAdapter(WantedPost)


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request for one post on one account, as a row; those of lower position came before it."""

    post_id: str
    account_id: str
    position: int
    kind: Literal["edit", "cancel"]
    body: str | None
    """What an edit wants, as JSON."""
    correlation_id: str
    asked_at: datetime

    @property
    def key(self) -> tuple[str, str]:
        return self.post_id, self.account_id

    @property
    def wanted(self) -> WantedPost | None:
        """What is wanted; a cancellation wants nothing."""
        return _WANTED.validate_json(self.body) if self.body else None

    @property
    def reason(self) -> Reason:
        """Why the revision before is to be taken back."""
        return "cancelled" if self.kind == "cancel" else "superseded"


def pending_edit(wanted: WantedPost, position: int, correlation_id: str, now: datetime) -> PendingRequest:
    """An edit that waits."""
    body = _WANTED.dump_json(wanted).decode()
    return PendingRequest(wanted.post_id, wanted.account_id, position, "edit", body, correlation_id, now)


def pending_cancellation(
    post_id: str, account_id: str, position: int, correlation_id: str, now: datetime
) -> PendingRequest:
    """A cancellation that waits."""
    return PendingRequest(post_id, account_id, position, "cancel", None, correlation_id, now)
