"""What the API shows: the answers' JSON, documented in OpenAPI."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, JsonValue
from pydantic_core import from_json
from sqlalchemy import RowMapping

from services.console.read_model.drafts import Drafts
from services.console.read_model.listing import Listed
from shared.events.progress import State
from shared.events.rules import PostRules
from shared.events.scheduler import AcceptedPost, ScheduleAccepted


class PostView(BaseModel):
    """A post on one account: as it was published, else as it is to be; `in_doubt` while an attempt may have landed."""

    post_id: str
    account_id: str
    state: State
    revision: int
    publish_at: datetime | None
    content: str | None
    media: list[JsonValue]
    options: dict[str, JsonValue]
    attempts: int
    in_doubt: bool
    next_attempt_at: datetime | None
    error: dict[str, JsonValue] | None
    reason: str | None
    warning: str | None
    platform: str | None
    platform_post_id: str | None
    url: str | None
    published_at: datetime | None
    lateness_ms: float | None
    updated_at: datetime

    @classmethod
    def of(cls, listed: Listed, drafts: Drafts) -> Self:
        """The view of a post, its content where it is known."""
        post, standing = listed.post, listed.post.standing
        fields = drafts.fields_of(post) or {}
        return cls(
            post_id=post.post_id,
            account_id=post.account_id,
            state=post.state,
            revision=post.shown_revision,
            publish_at=post.due_at if post.plan else None,
            content=fields.get("content"),
            media=fields.get("media", []),
            options=fields.get("options", {}),
            attempts=standing.progress.attempts,
            in_doubt=standing.progress.in_doubt,
            next_attempt_at=standing.next_attempt_at,
            error=from_json(standing.error) if standing.error else None,
            reason=standing.reason,
            warning=post.plan.warning if post.plan else None,
            platform=standing.platform,
            platform_post_id=standing.platform_post_id,
            url=standing.url,
            published_at=standing.published_at,
            lateness_ms=standing.lateness_ms,
            updated_at=listed.updated_at,
        )


class PostPage(BaseModel):
    """A page of a list; `next` is the cursor of the following page, if there is one."""

    posts: list[PostView]
    next: str | None


class RejectionView(BaseModel):
    """Why a post was not taken; without an account, on none of them."""

    post_id: str
    account_id: str | None = None
    code: str
    reason: str
    seen_at: datetime | None = None


class PostDetails(BaseModel):
    """A post on all its accounts, and what was refused of it."""

    post_id: str
    accounts: list[PostView]
    rejections: list[RejectionView]


class AcceptedView(BaseModel):
    """What was accepted for one account; `changed` is false where it was so already."""

    post_id: str
    account_id: str
    revision: int
    publish_at: datetime
    changed: bool
    warning: str | None = None

    @classmethod
    def of(cls, accepted: ScheduleAccepted | AcceptedPost) -> Self:
        return cls.model_validate(accepted.model_dump())


class Scheduled(BaseModel):
    """What became of a schedule request; `pending` where the scheduler has not (fully) answered yet."""

    post_id: str
    correlation_id: str
    asked_at: datetime
    accepted: list[AcceptedView]
    rejected: list[RejectionView]
    pending: bool = False


class WaitingView(BaseModel):
    post_id: str
    account_id: str


class BatchSettled(BaseModel):
    """What became of the posts of a batch; `waiting` are those for which the publisher has not answered yet."""

    batch_id: str
    correlation_id: str
    accepted: list[AcceptedView]
    rejected: list[RejectionView]
    waiting: list[WaitingView]
    pending: bool = False


class CancelledView(BaseModel):
    account_id: str
    revision: int
    reason: str


class Cancelled(BaseModel):
    """What became of a cancellation."""

    post_id: str
    correlation_id: str
    asked_at: datetime
    cancelled: list[CancelledView]
    rejected: list[RejectionView]
    pending: bool = False


class AccountView(BaseModel):
    """An account as it is known; credentials are never shown."""

    account_id: str
    platform: str | None
    connected: bool
    settings: dict[str, JsonValue] | None
    limits: dict[str, JsonValue] | None
    token_expires_at: datetime | None
    needs_reconnect: bool
    error: dict[str, JsonValue] | None
    updated_at: datetime | None
    pending: bool = False
    connect_error: dict[str, JsonValue] | None = None
    """Why the last request to connect it failed; it goes on as it was."""
    rules: PostRules | None = None
    """What its posts must satisfy; told of one account, and only where its network demands anything."""

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """The view of a row of accounts and connections."""
        return cls(
            account_id=row["account_id"],
            platform=row["platform"] or row["connect_failed_on"],
            connected=bool(row["is_connected"]),
            settings=_json(row["settings"]),
            limits=_json(row["limits"]),
            token_expires_at=row["token_expires_at"],
            needs_reconnect=bool(row["needs_reconnect"]),
            error=_json(row["error"]),
            updated_at=row["updated_at"],
            connect_error=_json(row["connect_error"]) if _failed_last(row) else None,
        )


def _failed_last(row: RowMapping) -> bool:
    """Whether a request to connect the account has failed since it was last connected or disconnected."""
    failed_at, changed_at = row["connect_failed_at"], row["changed_at"]
    return failed_at is not None and (changed_at is None or failed_at > changed_at)


class AccountList(BaseModel):
    accounts: list[AccountView]


def rejections_in(facts: Iterable[Any]) -> list[RejectionView]:
    """Views of rejections, whichever event they came in."""
    return [
        RejectionView(post_id=one.post_id, account_id=one.account_id, code=one.code, reason=one.reason) for one in facts
    ]


def _json(text: str | None) -> Any:
    return from_json(text) if text else None
