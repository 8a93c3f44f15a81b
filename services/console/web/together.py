"""A post on several accounts, to be changed on all of them at once. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.console.api.views import PostView
from shared.events.progress import State

FEWEST, MOST = 2, 20


@dataclass(frozen=True, slots=True)
class Together:
    """What is the same on all accounts on which the post is still to come; what differs is empty."""

    account_ids: Sequence[str]
    content: str
    media: Sequence[Any]
    publish_at: datetime | None
    revision: int


def together(posts: Iterable[PostView]) -> Together | None:
    """The post as it is to be on its accounts; None where they are not several, or too many."""
    coming = [post for post in posts if post.state is State.SCHEDULED]
    if not FEWEST <= len(coming) <= MOST:
        return None
    return Together(
        account_ids=[post.account_id for post in coming],
        content=_common([post.content or "" for post in coming]) or "",
        media=_common([post.media for post in coming]) or [],
        publish_at=_common([post.publish_at for post in coming]),
        revision=max(post.revision for post in coming),
    )


def _common(values: Sequence[Any]) -> Any:
    return values[0] if all(value == values[0] for value in values) else None
