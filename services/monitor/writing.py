"""What people read: notifications of mentions, and digests, as text and as HTML. No I/O."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape

from services.monitor.store import StoredMention
from services.monitor.targets import Message

MOST_IN_A_DIGEST = 500
MOST_TITLE = 120
MOST_QUOTE = 240


def mention_message(mention: StoredMention) -> Message:
    """One mention, told at once."""
    words = ", ".join(mention.keywords)
    title = f"{words} in r/{mention.subreddit}"
    text = f"{_line(mention)}\n{mention.url}\n\n{_quote(mention)}".rstrip()
    html = f"<p><b>{escape(words)}</b></p><ul>{_html_entry(mention)}</ul>"
    return Message(_cut(title, MOST_TITLE), text, html)


def digest_message(day: str, mentions: Sequence[StoredMention]) -> Message:
    """A day's mentions by keyword; a mention of several keywords stands under each of them."""
    groups = _by_keyword(mentions)
    count = f"{len(mentions)} mention{'s' if len(mentions) > 1 else ''}"
    title = f"{count} up to {day}: {', '.join(groups)}"
    text = "\n\n".join(f"{keyword} ({len(found)})\n\n{_text_entries(found)}" for keyword, found in groups.items())
    html = "".join(
        f"<h3>{escape(keyword)} ({len(found)})</h3><ul>{''.join(map(_html_entry, found))}</ul>"
        for keyword, found in groups.items()
    )
    return Message(_cut(title, MOST_TITLE), text, f"<h2>{escape(count)} up to {escape(day)}</h2>{html}")


def _by_keyword(mentions: Sequence[StoredMention]) -> Mapping[str, list[StoredMention]]:
    groups: dict[str, list[StoredMention]] = defaultdict(list)
    for mention in mentions:
        for keyword in mention.keywords:
            groups[keyword].append(mention)
    return dict(sorted(groups.items(), key=lambda group: group[0].casefold()))


def _text_entries(mentions: Sequence[StoredMention]) -> str:
    return "\n".join(f"- {_line(mention)}\n  {mention.url}" for mention in mentions)


def _line(mention: StoredMention) -> str:
    kind = "comment on" if mention.kind == "comment" else "post"
    return f"r/{mention.subreddit}, {kind} “{_cut(mention.title, MOST_TITLE)}” by {mention.author}"


def _html_entry(mention: StoredMention) -> str:
    kind = "comment on " if mention.kind == "comment" else ""
    link = f'<a href="{escape(mention.url, quote=True)}">{escape(_cut(mention.title, MOST_TITLE))}</a>'
    quote = f"<br>{escape(_quote(mention))}" if mention.excerpt else ""
    return f"<li>{kind}{link} in r/{escape(mention.subreddit)} by {escape(mention.author)}{quote}</li>"


def _quote(mention: StoredMention) -> str:
    return _cut(" ".join(mention.excerpt.split()), MOST_QUOTE)


def _cut(text: str, most: int) -> str:
    """The text on one line, no longer than that."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
