"""What the publisher keeps: publications and accounts. What it decides about them is in `sending`. No I/O."""

from dataclasses import dataclass
from datetime import datetime

Key = tuple[str, str]
"""post_id and account_id."""

CLAIMED = "claimed"
"""A delivery has it; nothing is on its way yet, and another delivery may take over."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A post on one account, at the revision that is being published.

    `tries` counts what may not be repeated for ever, `tries_before` those before a person asked for it again,
    `retries` how often a person did, `waits` the waits in a row that use no try. Lateness counts from `due_at`: the
    due instant, or when a person asked for it again. Revisions up to `withdrawn` must not be sent.
    """

    post_id: str
    account_id: str
    revision: int
    state: str
    publish_at: datetime
    due_at: datetime
    not_before: datetime
    request: str
    correlation_id: str
    updated_at: datetime
    tries: int = 0
    tries_before: int = 0
    retries: int = 0
    waits: int = 0
    claim_token: str | None = None
    platform: str | None = None
    error: str | None = None
    outcome: str | None = None
    withdrawn: int = 0
    withdrawn_because: str | None = None

    @property
    def key(self) -> Key:
        return self.post_id, self.account_id

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn >= self.revision


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account as it is kept. `credentials`, as they were given, and `renewed`, what replaces them, are encrypted."""

    account_id: str
    platform: str
    settings: str
    credentials: str
    limits: str
    connected: bool
    changed_at: datetime
    renewed: str | None = None
    token_expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    renewing_until: datetime | None = None
    needs_reconnect: bool = False
    app: str | None = None
    closed_until: datetime | None = None
    asked_at: datetime | None = None
    is_unreadable: bool = False
