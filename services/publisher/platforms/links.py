"""Links in a text, as readers take them for such: with a scheme, or a name that ends as domains do. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass

import regex
from linkify_it import LinkifyIt
from linkify_it.tlds import TLDS

EMAIL = "mailto:"
_BEHIND = regex.compile(r"[.,:*]*(?:[“”»」』。\uff01…\u200b].*)?$", regex.DOTALL)
"""Punctuation that closes a sentence or a quotation around a link, and what follows it."""
_FINDER = LinkifyIt(options={"fuzzy_email": True, "fuzzy_ip": False}).tlds(TLDS)
for _scheme in ("ftp:", "//"):
    _FINDER.add(_scheme, None)
_FINDER.re |= {name: pattern.replace(r"\.)+", r"\.){1,10}") for name, pattern in _FINDER.re.items()}
"""A name has so many parts at most. Where it has no end, each is looked for at the end of the text: 3,000 characters
took 20 s, in which no other post went out."""


@dataclass(frozen=True, slots=True)
class Link:
    """An address in a text, from one character to another."""

    start: int
    end: int
    url: str


def links_in(text: str) -> Iterator[Link]:
    """All links, in order; one without a scheme is one of https. The address of a mailbox is none, nor a part of it."""
    for match in _FINDER.match(text) or []:
        shown = _BEHIND.sub("", match.text, count=1)
        end = match.index + len(shown)
        if match.schema != EMAIL and text[end : end + 1] != "@":
            yield Link(match.index, end, shown if match.schema else f"https://{shown}")
