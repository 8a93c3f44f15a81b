"""What people read: notifications of mentions, and digests in as many parts as a target needs. No I/O."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from services.monitor.domain import StoredMention
from shared.outbound.targets import Form, Message

MOST_PARTS = 20
SMALLEST = 600
"""Characters below which a target is told how many mentions there are, and where: not a dozen short messages."""
MOST_TITLE = 120
MOST_QUOTE = 240
_CALL = re.compile(r"@(?=everyone\b|here\b|channel\b)|<(?=[@!#])", re.IGNORECASE)
RESERVED = 200
"""Characters of each part for its heading, and for what is said of mentions that are left out."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A day's mentions of a workspace: `total` of them, of which those in `mentions` can be told."""

    workspace_id: str
    day: str
    mentions: Sequence[StoredMention]
    total: int


@dataclass
class _Part:
    """What stands in one message: mentions under their keywords."""

    room: int
    entries: dict[str, list[StoredMention]] = field(default_factory=lambda: defaultdict(list))

    def takes(self, keyword: str, mention: StoredMention, *, is_html: bool) -> bool:
        """Put the mention in where it fits; the first one always does."""
        needed = len(_entry(mention, is_html=is_html)) + 1
        if keyword not in self.entries:
            needed += len(_group(keyword, "999,999", "", is_html=is_html)) + 2
        if self.entries and needed > self.room:
            return False
        self.room -= needed
        self.entries[keyword].append(mention)
        return True


def mention_message(mention: StoredMention, form: Form) -> Message:
    """One mention, told at once."""
    words = ", ".join(mention.keywords)
    title = _cut(f"{words} in r/{mention.subreddit}", MOST_TITLE)
    if form.is_html:
        return Message(title, f"<p><b>{escape(words)}</b></p><ul>{_html_entry(mention)}</ul>", is_html=True)
    return Message(title, f"{_line(mention)}\n{mention.url}\n\n{_calling_nobody(_quote(mention))}".rstrip())


def digest_messages(digest: Digest, form: Form) -> list[Message]:
    """A day's mentions by keyword, in parts that fit; a mention of several keywords stands under each of them.

    What does not fit into the most parts is counted at the end, with the place where it is to be found.
    """
    groups = _by_keyword(digest.mentions)
    if form.most < SMALLEST:
        return [_announcement(digest, groups)]
    parts, told = _parts(groups, form)
    count = _count(digest)
    sizes = {keyword: len(found) for keyword, found in groups.items()}
    left_out = _left_out(digest, digest.total - len(told))
    return [
        _message(part, sizes, f"{count}{_number(at, len(parts))}", left_out if at == len(parts) else "", form)
        for at, part in enumerate(parts, start=1)
    ]


def _announcement(digest: Digest, keywords: Iterable[str]) -> Message:
    title = _cut(f"{_count(digest)}: {', '.join(keywords)}", MOST_TITLE)
    return Message(title, f"See them with: {_where(digest)}")


def _count(digest: Digest) -> str:
    return f"{digest.total:,} mention{'s' if digest.total > 1 else ''} up to {digest.day}"


def _where(digest: Digest) -> str:
    return f"timeball workspaces mentions {digest.workspace_id}"


def _parts(groups: Mapping[str, Sequence[StoredMention]], form: Form) -> tuple[list[_Part], set[str]]:
    """The parts, and the items that stand in one of them."""
    parts, told = [_Part(form.most - MOST_TITLE - RESERVED)], set[str]()
    for keyword, mention in ((keyword, mention) for keyword, found in groups.items() for mention in found):
        if not parts[-1].takes(keyword, mention, is_html=form.is_html):
            if len(parts) == MOST_PARTS:
                break
            parts.append(_Part(form.most - MOST_TITLE - RESERVED))
            parts[-1].takes(keyword, mention, is_html=form.is_html)
        told.add(mention.item_id)
    return parts, told


def _message(part: _Part, sizes: Mapping[str, int], count: str, left_out: str, form: Form) -> Message:
    groups = list(_groups(part, sizes, is_html=form.is_html))
    title = _cut(f"{count}: {', '.join(part.entries)}", MOST_TITLE)
    if form.is_html:
        more = f"<p>{escape(left_out)}</p>" if left_out else ""
        return Message(title, f"<h2>{escape(count)}</h2>{''.join(groups)}{more}", is_html=True)
    return Message(title, "\n\n".join([*groups, *filter(None, [left_out])]))


def _groups(part: _Part, sizes: Mapping[str, int], *, is_html: bool) -> Iterator[str]:
    for keyword, found in part.entries.items():
        entries = (_entry(mention, is_html=is_html) for mention in found)
        yield _group(keyword, f"{sizes[keyword]:,}", ("" if is_html else "\n").join(entries), is_html=is_html)


def _group(keyword: str, size: str, entries: str, *, is_html: bool) -> str:
    if is_html:
        return f"<h3>{escape(keyword)} ({size})</h3><ul>{entries}</ul>"
    return f"{keyword} ({size})\n\n{entries}"


def _number(at: int, parts: int) -> str:
    return f", part {at} of {parts}" if parts > 1 else ""


def _left_out(digest: Digest, count: int) -> str:
    if count <= 0:
        return ""
    return f"… and {count:,} more: {_where(digest)}"


def _by_keyword(mentions: Sequence[StoredMention]) -> Mapping[str, list[StoredMention]]:
    groups: dict[str, list[StoredMention]] = defaultdict(list)
    for mention in mentions:
        for keyword in mention.keywords:
            groups[keyword].append(mention)
    return dict(sorted(groups.items(), key=lambda group: group[0].casefold()))


def _entry(mention: StoredMention, *, is_html: bool) -> str:
    return _html_entry(mention) if is_html else f"- {_line(mention)}\n  {mention.url}"


def _line(mention: StoredMention) -> str:
    kind = "comment on" if mention.kind == "comment" else "post"
    return _calling_nobody(f"r/{mention.subreddit}, {kind} “{_cut(mention.title, MOST_TITLE)}” by {mention.author}")


def _calling_nobody(text: str) -> str:
    """What a stranger wrote, with a space of no width where Discord or Slack would call everybody in the channel."""
    return _CALL.sub(lambda call: f"{call[0]}\u200b", text)


def _html_entry(mention: StoredMention) -> str:
    kind = "comment on " if mention.kind == "comment" else ""
    link = f'<a href="{escape(mention.url, quote=True)}">{escape(_cut(mention.title, MOST_TITLE))}</a>'
    quote = f"<br>{escape(_quote(mention))}" if mention.excerpt else ""
    return f"<li>{kind}{link} in r/{escape(mention.subreddit)} by {escape(mention.author)}{quote}</li>"


def _quote(mention: StoredMention) -> str:
    return _cut(" ".join(mention.excerpt.split()), MOST_QUOTE)


def _cut(text: str, most: int) -> str:
    """The text on one line, no longer than that; an ellipsis says where there was more."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
