"""Facts that the publisher emits about posts and accounts.

`retries` counts how often a person has asked for a post again. Of facts about one revision those with more came later.
"""

from typing import Literal

from shared.events.base import Count, Duration, ErrorDetail, Event, Id, Instant, Name, Revision
from shared.events.rules import PostRules


class PublishRetrying(Event, type="publish.retrying"):
    """While `in_doubt` an attempt may have landed: the post can be neither edited nor cancelled."""

    post_id: Id
    account_id: Id
    revision: Revision
    attempt: Count
    next_attempt_at: Instant
    error: ErrorDetail
    in_doubt: bool = False
    retries: Count = 0


class PublishSucceeded(Event, type="publish.succeeded"):
    """`lateness_ms` is the start of the send minus the due instant, or minus when a person asked for it again."""

    post_id: Id
    account_id: Id
    revision: Revision
    platform: Name
    platform_post_id: str | None = None
    url: str | None = None
    published_at: Instant
    lateness_ms: Duration
    attempts: Count
    retries: Count = 0


class PublishFailed(Event, type="publish.failed"):
    post_id: Id
    account_id: Id
    revision: Revision
    attempts: Count
    error: ErrorDetail
    retries: Count = 0


class PublishUnknown(Event, type="publish.unknown"):
    """The request may have landed; a person settles it with `publish.resolve_requested`."""

    post_id: Id
    account_id: Id
    revision: Revision
    attempts: Count
    error: ErrorDetail
    retries: Count = 0


class PublishSkipped(Event, type="publish.skipped"):
    post_id: Id
    account_id: Id
    revision: Revision
    reason: Literal["cancelled", "superseded", "too_late"]
    attempts: Count = 0
    retries: Count = 0


class PublishHeld(Event, type="publish.held"):
    """Waits for `publish.retry_requested`."""

    post_id: Id
    account_id: Id
    revision: Revision
    reason: str
    attempts: Count = 0
    retries: Count = 0


class AccountConnected(Event, type="account.connected"):
    """`refresh_expires_at` is when no refresh helps any more; `rules` are what its posts must satisfy.

    `can_refresh` is whether its token can be renewed without a person.
    """

    account_id: Id
    platform: Name
    token_expires_at: Instant | None = None
    refresh_expires_at: Instant | None = None
    can_refresh: bool | None = None
    rules: PostRules | None = None
    changed_at: Instant | None = None
    request_id: Id | None = None


class AccountConnectFailed(Event, type="account.connect_failed"):
    """The credentials are refused, or could not be tried; an account that is there stays exactly as it was."""

    account_id: Id
    platform: Name
    error: ErrorDetail
    changed_at: Instant | None = None


class AccountDisconnected(Event, type="account.disconnected"):
    account_id: Id
    platform: Name
    changed_at: Instant | None = None


class AccountDisconnectFailed(Event, type="account.disconnect_failed"):
    """The request cannot be read as it was meant, or a later one has been carried out; the account stays as it was."""

    account_id: Id
    error: ErrorDetail
    changed_at: Instant | None = None


class AccountRefreshRequested(Event, type="account.refresh_requested"):
    account_id: Id


class AccountRefreshed(Event, type="account.refreshed"):
    account_id: Id
    platform: Name
    token_expires_at: Instant | None = None
    refresh_expires_at: Instant | None = None
    needs_reconnect: bool = False
    changed_at: Instant | None = None


class AccountRefreshFailed(Event, type="account.refresh_failed"):
    account_id: Id
    platform: Name | None = None
    token_expires_at: Instant | None = None
    error: ErrorDetail
    needs_reconnect: bool
    changed_at: Instant | None = None
