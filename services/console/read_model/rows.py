"""Posts and accounts as rows of the database, and back."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from services.console.domain.accounts import Account, ConnectFailure, Connection, Link, Token
from services.console.domain.posts import Content, Plan, Post, Standing
from shared.events.progress import Progress, State
from shared.events.rebuilding import AccountTold
from shared.events.requests import AccountConnectRequested

Row = Mapping[str, Any]


def row_of_post(post: Post, now: datetime, version: int) -> dict[str, Any]:
    """The row that holds a post; a post without a due time stands at the moment when the console learned of it."""
    standing, plan, content = post.standing, post.plan, post.content
    return {
        "post_id": post.post_id,
        "account_id": post.account_id,
        "state": standing.progress.state,
        "revision": standing.progress.revision,
        "attempts": standing.progress.attempts,
        "in_doubt": standing.progress.in_doubt,
        "retries": standing.progress.retries,
        "error": standing.error,
        "reason": standing.reason,
        "next_attempt_at": standing.next_attempt_at,
        "platform": standing.platform,
        "platform_post_id": standing.platform_post_id,
        "url": standing.url,
        "published_at": standing.published_at,
        "lateness_ms": standing.lateness_ms,
        "planned_revision": plan.revision if plan else None,
        "plan_is_accepted": plan.is_accepted if plan else None,
        "publish_at": plan.publish_at if plan else None,
        "request_id": plan.request_id if plan else None,
        "warning": plan.warning if plan else None,
        "content_revision": content.revision if content else None,
        "content": content.body if content else None,
        "due_at": post.due_at or now,
        "updated_at": post.as_of or now,
        "version": version,
    }


def post_in(row: Row) -> Post:
    """The post that a row holds."""
    standing = Standing(
        Progress(State(row["state"]), row["revision"], row["attempts"], bool(row["in_doubt"]), row["retries"]),
        error=row["error"],
        reason=row["reason"],
        next_attempt_at=row["next_attempt_at"],
        platform=row["platform"],
        platform_post_id=row["platform_post_id"],
        url=row["url"],
        published_at=row["published_at"],
        lateness_ms=row["lateness_ms"],
    )
    return Post(row["post_id"], row["account_id"], standing, _plan(row), _content(row), row["updated_at"])


def _plan(row: Row) -> Plan | None:
    if row["planned_revision"] is None:
        return None
    is_accepted = bool(row["plan_is_accepted"])
    return Plan(row["planned_revision"], is_accepted, row["publish_at"], row["request_id"], row["warning"])


def _content(row: Row) -> Content | None:
    return None if row["content_revision"] is None else Content(row["content_revision"], row["content"])


def row_of_account(account: Account, now: datetime, version: int) -> dict[str, Any]:
    """The row that holds an account."""
    link, token, failure, connection = account.link, account.token, account.failure, account.connection
    return {
        "account_id": account.account_id,
        "changed_at": link.changed_at if link else None,
        "is_connected": link.is_connected if link else None,
        "platform": link.platform if link else None,
        "connected_at": connection.connected_at if connection else None,
        "request_id": connection.request_id if connection else None,
        "refreshed_at": token.changed_at if token else None,
        "token_expires_at": token.expires_at if token else None,
        "needs_reconnect": token.needs_reconnect if token else None,
        "error": token.error if token else None,
        "connect_failed_at": failure.failed_at if failure else None,
        "connect_failed_on": failure.platform if failure else None,
        "connect_error": failure.error if failure else None,
        "updated_at": now,
        "version": version,
    }


def account_in(row: Row) -> Account:
    """The account that a row holds."""
    link = token = failure = connection = None
    if row["changed_at"] is not None:
        link = Link(row["changed_at"], bool(row["is_connected"]), row["platform"])
    if row["connected_at"] is not None:
        connection = Connection(row["connected_at"], row["request_id"])
    if row["refreshed_at"] is not None:
        token = Token(row["refreshed_at"], row["token_expires_at"], bool(row["needs_reconnect"]), row["error"])
    if row["connect_failed_at"] is not None:
        failure = ConnectFailure(row["connect_failed_at"], row["connect_failed_on"], row["connect_error"])
    return Account(row["account_id"], link, token, failure, connection)


def row_of_connection(request_id: str, told: AccountConnectRequested | AccountTold, now: datetime) -> dict[str, Any]:
    """The row that holds the settings of an account; its credentials are left where they are."""
    return {
        "request_id": request_id,
        "account_id": told.account_id,
        "platform": told.platform,
        "settings": json.dumps(told.settings, ensure_ascii=False),
        "limits": told.limits.model_dump_json(exclude_none=True) if told.limits else None,
        "seen_at": now,
    }


def takes_posts(row: RowMapping) -> bool:
    """Whether the posts of the account that a row holds can go out now; else they are held."""
    return bool(row["is_connected"]) and not row["needs_reconnect"]
