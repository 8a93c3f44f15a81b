"""What the console knows of posts and accounts, merged from facts that arrive twice and in any order.

A fact tells of parts: of a post how far it has come, when it is planned for, what it says; of an account whether it is
connected, and its token. Each part is the greatest of what the facts tell, so that the merge is commutative,
associative and idempotent.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from shared.events import Event
from shared.events.progress import Progress, Rank, State, progress_of
from shared.events.publisher import (
    AccountConnected,
    AccountConnectFailed,
    AccountDisconnected,
    AccountRefreshed,
    AccountRefreshFailed,
    PublishSucceeded,
)
from shared.events.scheduler import AcceptedPost, PublishRequested, ScheduleAccepted, ScheduleBatchSettled

Key = tuple[str, ...]
"""post_id and account_id of a post, account_id of an account."""

CHANGEABLE = frozenset({State.SCHEDULED, State.DISPATCHED, State.RETRYING, State.HELD, State.SKIPPED, State.FAILED})
"""States of a post that has certainly not been published and that nobody has cancelled."""
_SAID = {"content", "media", "options", "late_policy", "retry", "callback_url"}
RETRIABLE = frozenset({State.FAILED, State.HELD})
RESOLVABLE = frozenset({State.UNKNOWN})


_NEVER = datetime.min.replace(tzinfo=UTC)


class _Part(Protocol):
    @property
    def order(self) -> Any: ...


PartT = TypeVar("PartT", bound=_Part)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a post has come, with what the fact said about it."""

    progress: Progress
    error: str | None = None
    reason: str | None = None
    next_attempt_at: datetime | None = None
    platform: str | None = None
    platform_post_id: str | None = None
    url: str | None = None
    published_at: datetime | None = None
    lateness_ms: float | None = None

    @property
    def order(self) -> tuple[Rank, datetime, datetime]:
        """Of facts that tell of the same progress the one of the later instant came later."""
        return self.progress.rank, self.next_attempt_at or _NEVER, self.published_at or _NEVER


@dataclass(frozen=True, slots=True)
class Plan:
    """When a revision is to be published, and by which request; an accepted plan wins over one merely seen."""

    revision: int
    is_accepted: bool
    publish_at: datetime
    request_id: str
    warning: str | None = None

    @property
    def order(self) -> tuple[int, bool]:
        return self.revision, self.is_accepted


@dataclass(frozen=True, slots=True)
class Content:
    """What a revision says: JSON of its content, media, options, late policy, retry policy and callback."""

    revision: int
    body: str

    @property
    def order(self) -> int:
        return self.revision


@dataclass(frozen=True, slots=True)
class Post:
    """One post on one account."""

    post_id: str
    account_id: str
    standing: Standing
    plan: Plan | None = None
    content: Content | None = None

    @property
    def key(self) -> Key:
        return self.post_id, self.account_id

    @property
    def state(self) -> State:
        return self.standing.progress.state

    @property
    def shown_revision(self) -> int:
        """The revision that people see: the one that was published, else the latest."""
        latest = max(part.revision for part in (self.standing.progress, self.plan, self.content) if part)
        return self.standing.progress.revision if self.state is State.PUBLISHED else latest

    @property
    def due_at(self) -> datetime | None:
        """When it is or was to be published, as well as the facts tell."""
        if self.plan and (self.state is not State.PUBLISHED or self.plan.revision == self.shown_revision):
            return self.plan.publish_at
        published_at, lateness_ms = self.standing.published_at, self.standing.lateness_ms
        return published_at - timedelta(milliseconds=lateness_ms or 0) if published_at else None


def merged(one: Post | None, other: Post) -> Post:
    """What both tell together."""
    if one is None or one == other:
        return other
    standing = _greater(one.standing, other.standing) or other.standing
    plan, content = _greater(one.plan, other.plan), _greater(one.content, other.content)
    return Post(one.post_id, one.account_id, standing, plan, content)


def _greater(one: PartT | None, other: PartT | None) -> PartT | None:
    """The later part; of two that are equally late the one of greater texts, so that every reader chooses alike."""
    if one is None or other is None or one == other:
        return one or other
    if one.order != other.order:
        return one if one.order > other.order else other
    return max(one, other, key=_texts_of)


def _texts_of(part: Any) -> tuple[str, ...]:
    """What a part says, field by field; what is absent is less than anything."""
    said = (getattr(part, field.name) for field in fields(part))
    return tuple("" if value is None else str(value) for value in said)


def folded(posts: Iterable[Post]) -> dict[Key, Post]:
    """One post per key, merged from all that is told of it."""
    together: dict[Key, Post] = {}
    for post in posts:
        together[post.key] = merged(together.get(post.key), post)
    return together


def told_by(fact: Event, request_id: str) -> list[Post]:
    """What a fact tells of posts; `request_id` is the correlation id it carries, for what names no request."""
    if isinstance(fact, ScheduleBatchSettled):
        return [_accepted(post, fact.request_id or request_id) for post in fact.accepted]
    if isinstance(fact, ScheduleAccepted):
        return [_accepted(fact, fact.request_id or request_id)]
    progress = progress_of(fact)
    return [_told(fact, progress, request_id)] if progress else []


def _accepted(fact: ScheduleAccepted | AcceptedPost, request_id: str) -> Post:
    plan = Plan(fact.revision, True, fact.publish_at, request_id, fact.warning)
    return Post(fact.post_id, fact.account_id, Standing(Progress(State.SCHEDULED, fact.revision)), plan)


def _told(fact: Any, progress: Progress, request_id: str) -> Post:
    if isinstance(fact, PublishRequested):
        plan = Plan(fact.revision, False, fact.publish_at, request_id)
        return Post(fact.post_id, fact.account_id, Standing(progress), plan, _content(fact))
    if isinstance(fact, PublishSucceeded):
        return Post(fact.post_id, fact.account_id, _published(fact, progress))
    return Post(fact.post_id, fact.account_id, _unpublished(fact, progress))


def _published(fact: PublishSucceeded, progress: Progress) -> Standing:
    return Standing(
        progress,
        platform=fact.platform,
        platform_post_id=fact.platform_post_id,
        url=fact.url,
        published_at=fact.published_at,
        lateness_ms=fact.lateness_ms,
    )


def _unpublished(fact: Any, progress: Progress) -> Standing:
    error = getattr(fact, "error", None)
    return Standing(
        progress,
        error=error.model_dump_json() if error else None,
        reason=getattr(fact, "reason", None),
        next_attempt_at=getattr(fact, "next_attempt_at", None),
    )


def _content(fact: PublishRequested) -> Content:
    return Content(fact.revision, fact.model_dump_json(include=_SAID))


@dataclass(frozen=True, slots=True)
class Link:
    """Whether an account is connected, and by which request."""

    changed_at: datetime
    is_connected: bool
    platform: str
    request_id: str

    @property
    def order(self) -> datetime:
        return self.changed_at


@dataclass(frozen=True, slots=True)
class Token:
    """How long an account's access lasts, and what stands in the way of renewing it."""

    changed_at: datetime
    expires_at: datetime | None = None
    needs_reconnect: bool = False
    error: str | None = None

    @property
    def order(self) -> datetime:
        return self.changed_at


@dataclass(frozen=True, slots=True)
class ConnectFailure:
    """Why an account was not connected when somebody last asked for it in vain; it is as it was before."""

    failed_at: datetime
    platform: str
    error: str

    @property
    def order(self) -> datetime:
        return self.failed_at


@dataclass(frozen=True, slots=True)
class Account:
    """One account on one platform."""

    account_id: str
    link: Link | None = None
    token: Token | None = None
    failure: ConnectFailure | None = None

    @property
    def key(self) -> Key:
        return (self.account_id,)


def merged_account(one: Account | None, other: Account) -> Account:
    """What both tell together."""
    if one is None:
        return other
    link, token = _greater(one.link, other.link), _greater(one.token, other.token)
    return Account(one.account_id, link, token, _greater(one.failure, other.failure))


def folded_accounts(accounts: Iterable[Account]) -> dict[Key, Account]:
    """One account per key, merged from all that is told of it."""
    together: dict[Key, Account] = {}
    for account in accounts:
        together[account.key] = merged_account(together.get(account.key), account)
    return together


def account_told_by(fact: Event, request_id: str, arrived_at: datetime) -> Account | None:
    """What a fact tells of an account; one that does not say when it happened happened when it arrived."""
    at: datetime = getattr(fact, "changed_at", None) or arrived_at
    match fact:
        case AccountConnected():
            link = Link(at, True, fact.platform, fact.request_id or request_id)
            return Account(fact.account_id, link, Token(at, fact.token_expires_at))
        case AccountConnectFailed():
            return Account(fact.account_id, failure=ConnectFailure(at, fact.platform, fact.error.model_dump_json()))
        case AccountDisconnected():
            return Account(fact.account_id, Link(at, False, fact.platform, request_id))
        case AccountRefreshed():
            return Account(fact.account_id, token=Token(at, fact.token_expires_at, fact.needs_reconnect))
        case AccountRefreshFailed():
            error = fact.error.model_dump_json()
            return Account(fact.account_id, token=Token(at, fact.token_expires_at, fact.needs_reconnect, error))
    return None
