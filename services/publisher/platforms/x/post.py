"""How a post is recognised on X, which shortens every link and appends some of its own. No I/O."""

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

from services.publisher.platforms.base import Account, Post, Published
from services.publisher.platforms.recognition import Seen, instant_in, words_and_links_of
from services.publisher.platforms.reply import Reply, object_or_empty, objects_in
from services.publisher.platforms.x.replies import identity_in

WEB = "https://x.com"

_MENTIONED_FIRST = re.compile(r"^(?:@\w+ )+$")


def seen_as(tweet: Mapping[str, Any], post: Post, account: Account) -> Seen:
    """A post on X as it may be this one, by its text; a reply begins with the people it is to."""
    text, wanted = words_and_links_of(expanded(tweet, post.content)), words_and_links_of(post.content)
    if "in_reply_to_tweet_id" in post.options and text.endswith(wanted):
        text = _MENTIONED_FIRST.sub("", text.removesuffix(wanted)) + wanted
    return Seen(instant_in(tweet.get("created_at")), published_as(str(tweet.get("id")), account), text == wanted)


def published_in(reply: Reply, account: Account) -> Published | None:
    """Where the post is that a reply names; None where it names none."""
    identity = identity_in(reply)
    return published_as(identity, account) if identity else None


def published_as(identity: str, account: Account) -> Published:
    """Where it is."""
    return Published(identity, f"{WEB}/{account.settings.get('username') or 'i/web'}/status/{identity}")


def expanded(tweet: Mapping[str, Any], content: str) -> str:
    """The text with its links as they were written; those that are not in the content, X has appended."""
    whole = object_or_empty(tweet.get("note_tweet")) or tweet
    text, wanted = html.unescape(str(whole.get("text", ""))), words_and_links_of(content)
    for short, full in _links(whole):
        is_ours = words_and_links_of(full) in wanted
        text = text.replace(short, full if is_ours else "")
    return text


def _links(tweet: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for link in objects_in(object_or_empty(tweet.get("entities")).get("urls")):
        if link.get("url"):
            yield str(link["url"]), html.unescape(str(link.get("expanded_url", "")))
