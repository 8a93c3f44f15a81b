"""Publications as a test wants them: everything usual but what it names."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.publisher.domain import CLAIMED, Publication, StoredAccount
from services.publisher.platforms.base import Account, Post
from services.publisher.sending.case import Case, Delivered
from services.publisher.sending.evidence import Attempt, Evidence
from services.publisher.store import Store
from shared.events.requests import LatePolicy, RetryPolicy
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
    retry: RetryPolicy | None = None,
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
        retry=retry or RetryPolicy(),
        swept=swept,
    )


def delivered(
    event: PublishRequested | None = None, *, token: str = "mine", redelivered: bool = False, is_replayed: bool = False
) -> Delivered:
    """A request as it arrived."""
    return Delivered(event or requested(), "correlation", token, redelivered, is_replayed)


def a_publication(**changes: Any) -> Publication:
    """A post that another delivery has claimed, with these differences."""
    usual = Publication(
        post_id="post",
        account_id="account",
        revision=1,
        state=CLAIMED,
        publish_at=NOON,
        due_at=NOON,
        not_before=NOON,
        claim_token="theirs",
        platform="sandbox",
        request=requested().body().decode(),
        correlation_id="correlation",
        updated_at=NOON,
    )
    return replace(usual, **changes)


def an_attempt(evidence: Evidence = Evidence.OPEN, **changes: Any) -> Attempt:
    """The first attempt at a post, started at noon, with these differences."""
    usual = Attempt(
        post_id="post",
        account_id="account",
        number=1,
        revision=1,
        evidence=evidence,
        start_at=NOON,
        latest_at=NOON + 20 * SECOND,
        lease_until=NOON + 30 * SECOND,
    )
    return replace(usual, **changes)


def a_case(*attempts: Attempt, event: PublishRequested | None = None, publication: Any = (), **changes: Any) -> Case:
    """A post that our delivery has claimed, with these attempts, as they are committed, and these differences."""
    asked = event or requested()
    usual = {"claim_token": "mine", "revision": asked.revision, "publish_at": asked.publish_at}
    kept = a_publication(**usual | {"due_at": asked.publish_at, "not_before": asked.publish_at} | dict(publication))
    case = Case(delivered(asked), kept, attempts, committed=attempts, account=a_stored_account())
    return replace(case, **changes)


def a_stored_account(platform: str = "fake", **changes: Any) -> StoredAccount:
    """A connected account, as it is kept."""
    return replace(StoredAccount("account", platform, "{}", "", "{}", True, NOON), **changes)


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
