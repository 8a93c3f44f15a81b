"""Editing: a change to a scheduled post becomes whole schedule requests, built from what is known of the post."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Annotated

from pydantic import Field, JsonValue

from services.console.domain.posts import CHANGEABLE, Post
from services.console.read_model.drafts import Drafts, PostFields
from shared.events.base import Count, Id, Options, Text, Value
from shared.events.grouping import in_groups
from shared.events.requests import (
    MAX_TARGETS,
    LatePolicy,
    NewMedia,
    PublishAt,
    RetryPolicy,
    ScheduleRequested,
    Target,
)
from shared.events.scheduler import RejectedPost
from shared.messaging.envelope import MAX_BODY_BYTES

MOST_OF_TARGETS = MAX_BODY_BYTES // 2
"""Bytes of the targets of one request, each of which says its text; what it says once has the other half."""


class Unchangeable(Exception):
    """Nothing of the post is left to change."""


class Overtaken(Exception):
    """The post is at another revision than whoever wants to change it expects."""


class Change(Value):
    """What is to be different; what is left out stays as it is. Without `account_ids` it is so on all accounts."""

    publish_at: PublishAt | None = None
    content: Text | None = None
    media: Annotated[tuple[NewMedia, ...], Field(max_length=20)] | None = None
    options: Options | None = None
    retry: RetryPolicy | None = None
    expected_revision: Count | None = None
    account_ids: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MAX_TARGETS)] | None = None


_REBUILD = "`timeball console rebuild` has it told"
_WITH_THE_WHOLE_POST = sorted(ScheduleRequested.model_fields.keys() - Change.model_fields.keys() - {"post_id"})


def out_of_reach(body: Mapping[str, JsonValue]) -> Iterator[str]:
    """What of a post no change can set, though this one names it."""
    for name in _WITH_THE_WHOLE_POST:
        if body.get(name) is not None:
            yield f"{name}: a change cannot set it; send the whole post with POST /v1/posts"


def edit_requests(posts: Sequence[Post], drafts: Drafts, change: Change) -> list[ScheduleRequested]:
    """One request for all targets that share what a request says once (media, policies, callback), if it holds them.

    Each expects the revision that it is built from: should there be a later one by then, it is refused, not reverted.
    """
    together: dict[tuple[int, str], list[tuple[Post, PostFields]]] = {}
    for post in posts:
        fields = drafts.fields_of(post)
        if fields and _may_change(post, change):
            revision = drafts.revision_of_fields(post)
            _expect(post, revision, change)
            together.setdefault((revision, _said_once(fields)), []).append((post, fields))
    if not together:
        raise Unchangeable(_why_not(posts, drafts, change))
    return [
        _request(members[0][1], part, change, revision)
        for (revision, _), members in together.items()
        for part in _parts(members, change)
    ]


def left_out(
    post_id: str, posts: Sequence[Post], change: Change, named: Sequence[str], requests: Iterable[ScheduleRequested]
) -> list[RejectedPost]:
    """The accounts that are meant and in none of the requests: those that are named, else all where it may change."""
    by_account = {post.account_id: post for post in posts}
    asked = {target.account_id for request in requests for target in request.targets}
    meant = dict.fromkeys(named or [post.account_id for post in posts if _may_change(post, change)])
    return [_left_out(post_id, one, by_account.get(one)) for one in meant if one not in asked]


def _left_out(post_id: str, account_id: str, post: Post | None) -> RejectedPost:
    where = f"{post_id!r} on {account_id!r}"
    told = partial(RejectedPost, post_id=post_id, account_id=account_id)
    if post is None:
        return told(code="not_found", reason=f"post {post_id!r} is not scheduled for account {account_id!r}")
    if post.standing.progress.may_be_out:
        return told(code="already_published", reason=f"{where} is {post.state}: it is or may be out, so it stays")
    if post.state in CHANGEABLE:
        return told(code="invalid", reason=f"the console does not know what {where} says: {_REBUILD}")
    return told(code="not_found", reason=f"nothing of {where} is left to change: it is {post.state}")


def _parts(members: Sequence[tuple[Post, PostFields]], change: Change) -> Iterator[Sequence[tuple[str, Target]]]:
    """The targets with their posts' ids, as many together as one request holds."""
    media = _length(_media(members[0][1], change))
    targets = ((post.post_id, _target(post, fields, change)) for post, fields in members)

    def size_of(named: tuple[str, Target]) -> int:
        return media + len(named[1].model_dump_json().encode())

    return in_groups(targets, size_of, most=MOST_OF_TARGETS, most_things=MAX_TARGETS)


def _media(fields: PostFields, change: Change) -> tuple[NewMedia, ...]:
    return tuple(map(NewMedia.model_validate, fields["media"])) if change.media is None else change.media


def _length(media: Sequence[NewMedia]) -> int:
    """Characters, which count for each account."""
    return sum(len(item.url) + len(item.alt or "") for item in media)


def _expect(post: Post, revision: int, change: Change) -> None:
    if change.expected_revision not in (None, revision):
        where = f"{post.post_id!r} on {post.account_id!r}"
        expected = f"not at {change.expected_revision}; look at it first"
        raise Overtaken(f"expected_revision: {where} is at revision {revision}, {expected}")


def _may_change(post: Post, change: Change) -> bool:
    is_meant = change.account_ids is None or post.account_id in change.account_ids
    return is_meant and post.state in CHANGEABLE and (post.plan or change.publish_at) is not None


def _said_once(fields: PostFields) -> str:
    together = [fields["media"], fields["late_policy"], fields.get("retry"), fields["callback_url"]]
    return json.dumps(together, sort_keys=True)


def _why_not(posts: Sequence[Post], drafts: Drafts, change: Change) -> str:
    if unknown := next((post for post in posts if _may_change(post, change) and not drafts.fields_of(post)), None):
        return f"the console does not know what {unknown.post_id!r} says: {_REBUILD}"
    states = ", ".join(f"{post.state} on {post.account_id!r}" for post in posts[:5])
    named = f" among the accounts {list(change.account_ids)}" if change.account_ids else ""
    return f"nothing of post {posts[0].post_id!r} is left to change{named}: it is {states}"


def _request(
    fields: PostFields, targets: Sequence[tuple[str, Target]], change: Change, revision: int
) -> ScheduleRequested:
    (post_id, first), *_ = targets
    return ScheduleRequested(
        post_id=post_id,
        content=first.content or "",
        media=_media(fields, change),
        targets=tuple(target for _, target in targets),
        late_policy=LatePolicy.model_validate(fields["late_policy"]),
        retry=change.retry or RetryPolicy.model_validate(fields.get("retry") or {}),
        expected_revision=revision,
        callback_url=fields["callback_url"],
    )


def _target(post: Post, fields: PostFields, change: Change) -> Target:
    return Target(
        account_id=post.account_id,
        publish_at=change.publish_at or (post.plan.publish_at if post.plan else None),
        content=fields["content"] if change.content is None else change.content,
        options=(fields["options"] or None) if change.options is None else change.options,
    )
