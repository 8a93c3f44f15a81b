"""A post as a status, and which of an account's statuses a post is. No I/O."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from services.publisher.platforms.base import Post, Published
from services.publisher.platforms.exchange import unreadable
from services.publisher.platforms.mastodon.options import VISIBILITIES
from services.publisher.platforms.mastodon.text import is_shown_as
from services.publisher.platforms.recognition import Seen, instant_in, words_of
from services.publisher.platforms.reply import Reply, json_or_none, objects_in, text_or_none


def published_in(reply: Reply) -> Published | None:
    """Where the status is that a reply shows."""
    return published_as(reply.json)


def published_as(status: Mapping[str, Any]) -> Published | None:
    """Where a status is; None where it has no id. Some servers give no `url`, but all have its `uri`."""
    status_id = text_or_none(status.get("id"))
    url = text_or_none(status.get("url")) or text_or_none(status.get("uri"))
    return Published(status_id, url) if status_id else None


def seen_as(status: Mapping[str, Any], post: Post) -> Seen:
    """A status as it may be this post, as far as its texts, its pictures and its visibility tell."""
    is_like = _has_texts_of(post, status) and _has_pictures_of(post, status) and _has_visibility_of(post, status)
    return Seen(instant_in(status.get("created_at")), published_as(status) or Published(), is_like)


def is_distinct(post: Post) -> bool:
    """Whether a post has words by which its status can be told from another one."""
    return bool(words_of(_warning_of(post) + post.content)) or any(item.get("alt") for item in post.media)


def _has_texts_of(post: Post, status: Mapping[str, Any]) -> bool:
    """Mastodon makes the warning the text where there is no other."""
    warning, html = str(status.get("spoiler_text") or ""), str(status.get("content") or "")
    return is_shown_as(f"{_warning_of(post)}\n{post.content}", f"{escape(warning)}\n{html}")


def _has_pictures_of(post: Post, status: Mapping[str, Any]) -> bool:
    """Where a post describes none of its pictures, a server may describe them in its own words."""
    shown = objects_in(status.get("media_attachments"))
    wanted = [words_of(item.get("alt")) for item in post.media]
    told = [words_of(one.get("description")) for one in shown]
    return len(wanted) == len(told) and all(not one or one == other for one, other in zip(wanted, told, strict=True))


def _has_visibility_of(post: Post, status: Mapping[str, Any]) -> bool:
    """Fewer may see it: what a limited account posts to the public becomes unlisted, and a private one's private."""
    wanted, told = post.options.get("visibility"), status.get("visibility")
    if not wanted or told == wanted or told not in VISIBILITIES:
        return not wanted or told == wanted
    return VISIBILITIES.index(told) > VISIBILITIES.index(wanted)


def _warning_of(post: Post) -> str:
    return str(post.options.get("spoiler_text") or "")


def statuses_in(reply: Reply) -> Sequence[Mapping[str, Any]]:
    """A list of objects; where the reply is none, what was not read is not known to be missing."""
    listed = json_or_none(reply.body)
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise unreadable("is no list of statuses")
    return listed
