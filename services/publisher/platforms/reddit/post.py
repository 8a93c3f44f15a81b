"""What a post is on Reddit, and how it is recognised there. No I/O."""

import re
from collections.abc import Mapping
from typing import Any

from services.publisher.platforms.account_fields import invalid_setting
from services.publisher.platforms.base import Account, Post, Published
from services.publisher.platforms.options import refused
from services.publisher.platforms.recognition import Seen, instant_in, words_and_links_of, words_of
from services.publisher.platforms.reddit.options import FLAGS, MOST_TITLE
from services.publisher.platforms.reply import Reply, object_or_empty, text_or_none

WEB = "https://www.reddit.com"
IMAGE, GALLERY = "image", "gallery"
REMOVED = ("[removed]", "[deleted]")
PICTURES_DOMAIN = "i.redd.it"
_SUBREDDIT = re.compile(r"(?:/?r/)?(\w{2,24})/?", re.ASCII)


def submission_of(post: Post, account: Account) -> dict[str, str]:
    """The form of a submission, or Rejected where its options do not go together."""
    title, text = title_and_text(post)
    kind, url = kind_and_url(post)
    form = {"api_type": "json", "sr": subreddit_of(account), "kind": kind, "title": title, "text": text}
    if url:
        form["url"] = url
    if flair_id := post.options.get("flair_id") or account.settings.get("flair_id"):
        form["flair_id"] = str(flair_id)
    return form | {name: "true" if post.options.get(name, usual) else "false" for name, usual in FLAGS.items()}


def title_and_text(post: Post) -> tuple[str, str]:
    """The title and what stands below it; nothing is lost where the first line is too long for a title."""
    content = post.content.strip()
    if given := post.options.get("title", "").strip():
        return given, content
    first, _, rest = content.partition("\n")
    if not first:
        raise refused("title", "a post without text needs one")
    if len(first) > MOST_TITLE:
        return first[: MOST_TITLE - 1].rstrip() + "…", content
    return first.rstrip(), rest.strip()


def subreddit_of(account: Account) -> str:
    """The subreddit's bare name, or Rejected."""
    given = account.settings.get("subreddit")
    named = _SUBREDDIT.fullmatch(given) if isinstance(given, str) else None
    if named is None:
        raise invalid_setting(account, "subreddit", "write a subreddit's name, such as sailing")
    return named[1]


def kind_and_url(post: Post) -> tuple[str, str | None]:
    """What a post is, and what it links to; Rejected where its options leave no room for its pictures."""
    kind, url = post.options.get("kind"), post.options.get("url")
    if post.media:
        return _kind_with_pictures(post)
    if kind == "link" and url is None:
        raise refused("url", "a link post needs one")
    return ("link", url) if url and kind != "self" else ("self", None)


def _kind_with_pictures(post: Post) -> tuple[str, str | None]:
    """One picture makes an image post, or a link post where it is to be one; several make a gallery."""
    kind = post.options.get("kind")
    if kind == "self" or post.options.get("url") is not None:
        raise refused("url" if "url" in post.options else "kind", "a post that shows pictures has no room for it")
    if kind == "link" and len(post.media) > 1:
        raise refused("kind", "a link post links to one picture; leave kind out, and several make a gallery")
    if kind == "link":
        return "link", str(post.media[0]["url"])
    return (IMAGE if len(post.media) == 1 else GALLERY), None


def seen_as(submission: Mapping[str, Any], wanted: Mapping[str, str]) -> Seen:
    """A submission as it may be the wanted one."""
    where = Published(text_or_none(submission.get("name")), f"{WEB}{submission.get('permalink')}")
    return Seen(instant_in(submission.get("created_utc")), where, _is_like(submission, wanted))


def _is_like(submission: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """Text may have been removed since, left out beside pictures, and differ in space."""
    there = (str(submission.get("subreddit")).casefold(), words_of(submission.get("title")))
    if there != (wanted["sr"].casefold(), words_of(wanted["title"])):
        return False
    if wanted["kind"] == "link":
        return words_and_links_of(submission.get("url")) == words_and_links_of(wanted["url"])
    if kind_of(submission) != wanted["kind"]:
        return False
    text, is_text = submission.get("selftext"), wanted["kind"] == "self"
    left_out = REMOVED if is_text else (*REMOVED, "", None)
    return text in left_out or words_of(text) == words_of(wanted["text"])


def kind_of(submission: Mapping[str, Any]) -> str:
    """What a submission is; Reddit moves pictures to an address of its own choice."""
    if submission.get("is_self"):
        return "self"
    if submission.get("is_gallery"):
        return GALLERY
    is_picture = submission.get("post_hint") == "image" or submission.get("domain") == PICTURES_DOMAIN
    return IMAGE if is_picture else "link"


def published_in(reply: Reply, *, is_picture: bool) -> Published | None:
    """Where a submission is. A picture that was taken has no name yet."""
    told = reply.json.get("json")
    submission = object_or_empty(told.get("data")) if isinstance(told, dict) else {}
    name = name_of(submission)
    is_taken = name is not None or (isinstance(told, dict) and is_picture)
    return Published(name, text_or_none(submission.get("url")) if name else None) if is_taken else None


def name_of(told: Mapping[str, Any]) -> str | None:
    """The full name of a submission in the reply to it, which some replies tell as the id."""
    name = text_or_none(told.get("name")) or text_or_none(told.get("id"))
    return name if name is None or name.startswith("t3_") else f"t3_{name}"
