"""How a post is recognised on X, which shortens every link and appends some of its own. No I/O."""

import html
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from unicodedata import normalize

from services.publisher.platforms.base import Post

_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_MENTIONED_FIRST = re.compile(r"^(?:@\w+ )+$")


def is_like(tweet: Mapping[str, Any], post: Post, since: datetime) -> bool:
    """Whether it has the post's text, and is no older; a reply begins with the people it is to."""
    try:
        created_at = datetime.fromisoformat(str(tweet.get("created_at")))
    except ValueError:
        return False
    text, wanted = _plain(expanded(tweet, post.content)), _plain(post.content)
    if "in_reply_to_tweet_id" in post.options and text.endswith(wanted):
        text = _MENTIONED_FIRST.sub("", text.removesuffix(wanted)) + wanted
    return created_at >= since and text == wanted


def expanded(tweet: Mapping[str, Any], content: str) -> str:
    """The text with its links as they were written; those that are not in the content, X has appended."""
    whole = tweet.get("note_tweet") or tweet
    text, wanted = html.unescape(str(whole.get("text", ""))), _SCHEME.sub("", content).casefold()
    for short, full in _links(whole):
        is_ours = _SCHEME.sub("", full).casefold().rstrip("/") in wanted
        text = text.replace(short, full if is_ours else "")
    return text


def _links(tweet: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    entities = tweet.get("entities")
    urls = entities.get("urls") if isinstance(entities, Mapping) else None
    for link in urls or ():
        if link.get("url"):
            yield str(link["url"]), html.unescape(str(link.get("expanded_url", "")))


def _plain(text: str) -> str:
    """Without what X changes: schemes, closing slashes of links, white space."""
    return " ".join(word.rstrip("/") for word in _SCHEME.sub("", normalize("NFC", text)).split())
