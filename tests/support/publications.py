"""Publications as a test wants them: everything usual but what it names."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.publisher.domain import CLAIMED, NEVER_WITHDRAWN, Publication, StoredAccount
from services.publisher.platforms.base import Account, Post
from services.publisher.sending.case import Delivered
from services.publisher.store import Store
from shared.events.requests import LatePolicy
from shared.events.scheduler import PublishRequested

NOON = datetime(2027, 3, 28, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def requested(
    post_id: str = "post",
    *,
    account_id: str = "account",
    revision: int = 1,
    publish_at: datetime = NOON,
    late_policy: LatePolicy | None = None,
    swept: bool = False,
) -> PublishRequested:
    """A request to publish."""
    return PublishRequested(
        post_id=post_id,
        account_id=account_id,
        revision=revision,
        publish_at=publish_at,
        content="The ball drops.",
        late_policy=late_policy or LatePolicy(),
        swept=swept,
    )


def delivered(event: PublishRequested | None = None, *, token: str = "mine") -> Delivered:
    """A request as it arrived."""
    return Delivered(event or requested(), "correlation", token)


def a_publication(**changes: Any) -> Publication:
    """A post that another delivery has claimed, with these differences."""
    usual = Publication(
        post_id="post",
        account_id="account",
        revision=1,
        state=CLAIMED,
        tries=0,
        tries_before=0,
        waits=0,
        publish_at=NOON,
        due_at=NOON,
        not_before=NOON,
        claim_token="theirs",
        platform="sandbox",
        error=None,
        outcome=None,
        request=requested().body().decode(),
        correlation_id="correlation",
        withdrawn=NEVER_WITHDRAWN,
        withdrawn_because=None,
        updated_at=NOON,
    )
    return replace(usual, **changes)


def a_post(post_id: str = "post", *, account_id: str = "account", revision: int = 1) -> Post:
    """A post as a platform gets it."""
    return Post(
        post_id=post_id,
        account_id=account_id,
        revision=revision,
        publish_at=NOON,
        content="The ball drops.",
        media=[{"url": "https://pictures.example/ball.jpg"}],
        options={"mood": "festive"},
    )


def an_account(platform: str = "webhook", *, settings: Any = None, credentials: Any = None) -> Account:
    """An account to post to."""
    return Account("account", platform, settings or {}, credentials or {})


async def keep(store: Store, account: StoredAccount) -> None:
    """Have the publisher know an account."""
    async with store.unit() as unit:
        await unit.save_account(account)
