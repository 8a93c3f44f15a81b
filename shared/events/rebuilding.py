"""Rebuilding the console's read model: a request, what each service tells of its state, and its answer."""

from datetime import datetime

from pydantic import Field, JsonValue

from shared.events.base import Count, Event, Id, Instant, Name, Options, Revision, Text, Value, WebUrl
from shared.events.progress import State
from shared.events.requests import AccountLimits, LatePolicy, Media, RetryPolicy, WorkspaceConfigured
from shared.events.rules import PostRules


class ConsoleRebuildRequested(Event, type="console.rebuild_requested"):
    """Every service tells the console all that it keeps, and then answers."""


class ScheduleTold(Value):
    """A schedule as the scheduler keeps it; what became of its sending is told by the publisher's facts."""

    post_id: Id
    account_id: Id
    revision: Revision
    state: State = Field(strict=False)
    reason: str | None = None
    request_id: str
    publish_at: Instant
    content: Text
    media: tuple[Media, ...] = ()
    options: Options = Field(default_factory=dict)
    late_policy: LatePolicy = LatePolicy()
    retry: RetryPolicy = RetryPolicy()
    callback_url: WebUrl | None = None
    changed_at: Instant | None = None


class AccountTold(Value):
    """An account as the publisher keeps it, without its credentials."""

    account_id: Id
    platform: Name
    settings: dict[str, JsonValue]
    limits: AccountLimits | None = None
    is_connected: bool
    changed_at: Instant
    token_expires_at: Instant | None = None
    needs_reconnect: bool = False


class RulesTold(Value):
    """What the posts of an account must satisfy, as the scheduler checks them."""

    account_id: Id
    rules: PostRules
    changed_at: Instant


class WorkspaceTold(Value):
    """A workspace as the monitor keeps it, without its targets."""

    workspace: WorkspaceConfigured
    has_targets: bool


class FactTold(Value):
    """A fact as it was told when it happened."""

    type: Name
    correlation_id: str
    body: dict[str, JsonValue]
    changed_at: Instant | None = None


class AlertKey(Value):
    """What an alert is known by."""

    code: Name
    subject: str
    since: Instant

    @property
    def place(self) -> tuple[str, str, datetime]:
        """Where it stands among all."""
        return self.code, self.subject, self.since


class OpenAlerts(Value):
    """The alerts that are open at an instant: all others that were told before it are over.

    Of many, each part says so of what comes `after` its place and not beyond `until`, by code, subject and `since`.
    """

    as_of: Instant
    alerts: tuple[AlertKey, ...]
    after: AlertKey | None = None
    until: AlertKey | None = None

    def says_of(self, alert: AlertKey) -> bool:
        """Whether this part says if the alert is open."""
        is_after = self.after is None or self.after.place < alert.place
        return is_after and (self.until is None or alert.place <= self.until.place)


class StateTold(Event, type="state.told"):
    """A part of what a service keeps, for the console alone: nothing of it is news.

    Parts of one telling have its id, and are numbered from 0.
    """

    service: Name
    telling_id: Id | None = None
    part: Count = 0
    schedules: tuple[ScheduleTold, ...] = ()
    accounts: tuple[AccountTold, ...] = ()
    rules: tuple[RulesTold, ...] = ()
    workspaces: tuple[WorkspaceTold, ...] = ()
    facts: tuple[FactTold, ...] = ()
    open_alerts: OpenAlerts | None = None

    @property
    def size(self) -> int:
        """How many things it tells of."""
        return sum(map(len, (self.schedules, self.accounts, self.rules, self.workspaces, self.facts)))


class ConsoleRebuildAnswered(Event, type="console.rebuild_answered"):
    """The service has told all that it keeps: so many things, in so many parts."""

    service: Name
    told: Count
    telling_id: Id | None = None
    parts: Count = 0
