"""How a post will look on its network: what stands where, what is a link, and what would not fit. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import regex

from shared.events.rules import PostRules
from shared.posting.lengths import end_of_what_fits, rule_for
from shared.posting.links import links_in

_MENTION = r"(?<![\w/@.])@[\w.-]*\w(?:@[\w.-]*\w)?"
_TAG = r"(?<![\w&/\#])[\#\uff03]\w*[^\W\d_]\w*"
_MARKS: Mapping[str, str] = {
    "x": rf"(?P<mention>{_MENTION})|(?P<tag>{_TAG})",
    "bluesky": rf"(?P<mention>{_MENTION})|(?P<tag>{_TAG})",
    "mastodon": rf"(?P<mention>{_MENTION})|(?P<tag>{_TAG})",
    "telegram": rf"(?P<mention>{_MENTION})|(?P<tag>{_TAG})",
    "linkedin": rf"(?P<tag>{_TAG})",
}
"""What a network makes a link to somebody, or to a word; by the others it is left as it is."""
_BARE_LINKS = frozenset({"x", "bluesky", "linkedin", "telegram"})
"""Networks that take `example.org` for a link, without `https://`."""
_FOLDS_AFTER: Mapping[str, int] = {"linkedin": 210, "x": 280}
"""Characters after which a feed shows “more”, about."""
_MOST_TITLE = 300


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the text: `plain`, `link`, `mention`, `tag`, or `over`, which does not fit."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A post as its network shows it."""

    pieces: Sequence[Piece]
    more: Sequence[Piece] = ()
    """What a feed shows only to whoever asks for more."""
    title: str = ""
    warning: str = ""
    """What is shown in place of the text until somebody wants to see it."""
    pictures: Sequence[str] = ()
    """The descriptions of what is shown with it."""
    notes: Sequence[str] = ()


def preview_of(
    platform: str | None,
    rules: PostRules | None,
    text: str,
    media: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
) -> Preview:
    """The post on an account of this network; without rules nothing is too long."""
    rule = rule_for(rules, has_media=bool(media)) if rules else None
    fitting = end_of_what_fits(text, rule, options) if rule else len(text)
    title, text_below = _title_and_text(text[:fitting], options) if platform == "reddit" else ("", text[:fitting])
    over = [Piece("over", text[fitting:])] if fitting < len(text) else []
    fold = len(text_below) if over else _fold(text_below, platform)
    shown, folded = text_below[:fold], text_below[fold:]
    return Preview(
        pieces=[*_pieces(shown, platform), *over],
        more=list(_pieces(folded, platform)),
        title=title,
        warning=str(options.get("spoiler_text") or "") if platform == "mastodon" else "",
        pictures=[str(item.get("alt") or "") for item in media],
        notes=list(_notes(platform, media, options, is_over=bool(over))),
    )


def _fold(text: str, platform: str | None) -> int:
    """Where a feed folds the text: between two words, where there are some."""
    about = _FOLDS_AFTER.get(platform or "", len(text))
    if len(text) <= about:
        return len(text)
    between = [found.start() for found in regex.finditer(r"\s+", text, endpos=about)]
    return between[-1] if between else about


def _title_and_text(text: str, options: Mapping[str, Any]) -> tuple[str, str]:
    """A title is the first line, unless it is given."""
    given = options.get("title")
    if isinstance(given, str) and given.strip():
        return given.strip(), text.strip()
    first, _, rest = text.strip().partition("\n")
    if len(first) > _MOST_TITLE:
        return first[: _MOST_TITLE - 1].rstrip() + "…", text.strip()
    return first.rstrip(), rest.strip()


def _pieces(text: str, platform: str | None) -> Iterator[Piece]:
    end = 0
    for start, next_end in links_in(text, bare=platform in _BARE_LINKS):
        yield from _marked(text[end:start], platform)
        yield Piece("link", text[start:next_end])
        end = next_end
    yield from _marked(text[end:], platform)


def _marked(text: str, platform: str | None) -> Iterator[Piece]:
    """Mentions and hashtags between links."""
    marks, end = _MARKS.get(platform or ""), 0
    for found in regex.finditer(marks, text, regex.VERBOSE) if marks else ():
        if found.start() > end:
            yield Piece("plain", text[end : found.start()])
        yield Piece(found.lastgroup or "plain", found[0])
        end = found.end()
    if end < len(text):
        yield Piece("plain", text[end:])


def _notes(
    platform: str | None, media: Sequence[Mapping[str, Any]], options: Mapping[str, Any], *, is_over: bool
) -> Iterator[str]:
    if is_over:
        yield "What is struck through does not fit. It is never cut, and no thread is made of it: the post is refused."
    undescribed = sum(not item.get("alt") for item in media)
    if undescribed:
        pictures = "One picture has" if undescribed == 1 else f"{undescribed} pictures have"
        yield f"{pictures} no description: who does not see it learns nothing of it."
    if platform == "discord" and options.get("thread_name"):
        yield f"It begins the thread “{options['thread_name']}”."
    if platform == "discord" and options.get("thread_id"):
        yield f"It stands in the thread {options['thread_id']}."
    if platform == "x" and options.get("in_reply_to_tweet_id"):
        yield f"It is an answer to the post {options['in_reply_to_tweet_id']}, and so part of its thread."
    if platform == "telegram" and options.get("parse_mode"):
        yield f"Telegram formats it as {options['parse_mode']}; here you see how it is written."
    if platform == "telegram" and len(media) > 1:
        yield "The pictures are an album, and the text stands below it."
    if platform in ("webhook", "sandbox"):
        yield "It is sent as JSON; the receiver decides how it looks."
