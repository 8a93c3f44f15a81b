"""What a post is on Reddit, and how it is recognised there. No I/O."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.publisher.platforms.account_fields import is_web_url
from services.publisher.platforms.base import Account, Post, Published
from services.publisher.platforms.errors import Rejected
from services.publisher.platforms.options import flag
from services.publisher.platforms.reply import text_or_none

WEB = "https://www.reddit.com"
MOST_TITLE = 300
KINDS = ("self", "link")
"""What `options.kind` may be; what shows pictures is an image or a gallery."""
IMAGE, GALLERY = "image", "gallery"
FLAGS = {"nsfw": False, "spoiler": False, "sendreplies": True, "resubmit": False}
"""Options that are true or false, with what holds where they are not given."""
REMOVED = ("[removed]", "[deleted]")
PICTURES_DOMAIN = "i.redd.it"
_SUBREDDIT = re.compile(r"(?:/?r/)?(\w{2,24})/?", re.ASCII)


def submission_of(post: Post, account: Account) -> dict[str, str]:
    """The form of a submission, or Rejected where an option cannot be meant so."""
    title, text = title_and_text(post)
    kind, url = kind_and_url(post)
    form = {"api_type": "json", "sr": subreddit_of(account), "kind": kind, "title": title, "text": text}
    if url:
        form["url"] = url
    if flair_id := post.options.get("flair_id") or account.settings.get("flair_id"):
        form["flair_id"] = str(flair_id)
    return form | {name: "true" if _flag(post, name) else "false" for name in FLAGS}


def title_and_text(post: Post) -> tuple[str, str]:
    """The title and what stands below it; nothing is lost where the first line is too long for a title."""
    content = post.content.strip()
    given = post.options.get("title")
    if given is not None:
        if not isinstance(given, str) or not 0 < len(given.strip()) <= MOST_TITLE:
            raise Rejected(f"options.title: a text of 1 to {MOST_TITLE} characters is needed", code="invalid_options")
        return given.strip(), content
    first, _, rest = content.partition("\n")
    if not first:
        raise Rejected("options.title: a post without text needs a title", code="invalid_options")
    if len(first) > MOST_TITLE:
        return first[: MOST_TITLE - 1].rstrip() + "…", content
    return first.rstrip(), rest.strip()


def subreddit_of(account: Account) -> str:
    """The subreddit's bare name, or Rejected."""
    given = account.settings.get("subreddit")
    named = _SUBREDDIT.fullmatch(given) if isinstance(given, str) else None
    if named is None:
        raise Rejected(f"settings.subreddit: {given!r} is no name of a subreddit", code="invalid_settings")
    return named[1]


def kind_and_url(post: Post) -> tuple[str, str | None]:
    """What a post is, and what it links to; Rejected where its options leave no room for its pictures."""
    kind, url = post.options.get("kind"), post.options.get("url")
    if kind is not None and kind not in KINDS:
        raise Rejected(f"options.kind: {kind!r} is none of {', '.join(KINDS)}", code="invalid_options")
    if url is not None and not is_web_url(url):
        raise Rejected(f"options.url: {url!r} is no http(s) URL", code="invalid_options")
    if post.media:
        return _kind_with_pictures(post)
    if kind == "link" and url is None:
        raise Rejected("options.url: a link post needs a URL", code="invalid_options")
    return ("link", url) if url and kind != "self" else ("self", None)


def _kind_with_pictures(post: Post) -> tuple[str, str | None]:
    """One picture makes an image post, or a link post where it is to be one; several make a gallery."""
    kind = post.options.get("kind")
    if kind == "self" or post.options.get("url") is not None:
        reason = "options: a post that shows pictures has no room for options.url or kind self"
        raise Rejected(reason, code="invalid_options")
    if kind == "link" and len(post.media) > 1:
        reason = "options.kind: a link post links to one picture; leave kind out, and several make a gallery"
        raise Rejected(reason, code="invalid_options")
    if kind == "link":
        return "link", str(post.media[0]["url"])
    return (IMAGE if len(post.media) == 1 else GALLERY), None


def _flag(post: Post, name: str) -> bool:
    given = flag(post, name)
    return FLAGS[name] if given is None else given


def is_like(submission: Mapping[str, Any], wanted: Mapping[str, str], since: datetime) -> bool:
    """Whether it is the wanted one: text may have been removed since, left out beside pictures, and differ in space."""
    there = (str(submission.get("subreddit")).casefold(), _squeezed(submission.get("title")))
    if there != (wanted["sr"].casefold(), _squeezed(wanted["title"])):
        return False
    if float(submission.get("created_utc") or 0) < since.timestamp():
        return False
    if wanted["kind"] == "link":
        return submission.get("url") == wanted["url"]
    if kind_of(submission) != wanted["kind"]:
        return False
    text, is_text = submission.get("selftext"), wanted["kind"] == "self"
    left_out = REMOVED if is_text else (*REMOVED, "", None)
    return text in left_out or _squeezed(text) == _squeezed(wanted["text"])


def kind_of(submission: Mapping[str, Any]) -> str:
    """What a submission is; Reddit moves pictures to an address of its own choice."""
    if submission.get("is_self"):
        return "self"
    if submission.get("is_gallery"):
        return GALLERY
    is_picture = submission.get("post_hint") == "image" or submission.get("domain") == PICTURES_DOMAIN
    return IMAGE if is_picture else "link"


def _squeezed(text: object) -> str:
    return " ".join(str(text or "").split())


def found_as(submission: Mapping[str, Any]) -> Published:
    """Where a submission can be seen."""
    return Published(text_or_none(submission.get("name")), f"{WEB}{submission.get('permalink')}")


def name_of(told: Mapping[str, Any]) -> str | None:
    """The full name of a submission in the reply to it, which some replies tell as the id."""
    name = text_or_none(told.get("name")) or text_or_none(told.get("id"))
    return name if name is None or name.startswith("t3_") else f"t3_{name}"
