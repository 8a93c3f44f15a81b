"""Which accounts of a post a request is about, and whether the post is as whoever asks has seen it (ETag, If-Match)."""

import json
from collections.abc import Sequence
from hashlib import sha256

from services.console.api.errors import Refusal
from services.console.read_model.listing import Listed


def on_accounts(post_id: str, listed: Sequence[Listed], account_ids: Sequence[str]) -> Sequence[Listed]:
    """The post on the accounts named, or on all where none is; 404 where it is on none of them."""
    if not account_ids or not listed:
        return listed
    found = [one for one in listed if one.post.account_id in account_ids]
    if not found:
        named = ", ".join(map(repr, account_ids))
        raise Refusal(404, "not_found", f"post {post_id!r} is not scheduled for {named}", field="account_id")
    return found


def etag_of(listed: Sequence[Listed]) -> str:
    """Changes with the revision of any of these: with what is to be published, not with how far it has come."""
    revisions = [(one.post.account_id, one.post.shown_revision) for one in listed]
    return f'"{sha256(json.dumps(sorted(revisions)).encode()).hexdigest()[:16]}"'


def require_match(if_match: str | None, etag: str, post_id: str) -> None:
    """412 unless the post is as `If-Match` has it; `*` is any post that is there."""
    if if_match is not None and not names(if_match, etag):
        reason = f"post {post_id!r} has changed since you looked at it: get it again, with its ETag"
        raise Refusal(412, "conflict", reason, post_id=post_id)


def names(if_match: str, etag: str) -> bool:
    """Whether `If-Match` names this ETag, or any.

    A proxy that compresses an answer marks its ETag as a weak one, and by hand it is written without quotes.
    """
    named = [one.strip().removeprefix("W/").strip('"') for one in if_match.split(",")]
    return named == ["*"] or etag.strip('"') in named
