"""Bluesky's rich text: links, mentions and hashtags are named beside the text, by where they stand in it. No I/O.

https://docs.bsky.app/docs/advanced-guides/post-richtext
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import regex

from services.publisher.platforms.links import links_in

LONGEST_TAG = 64
FACET = "app.bsky.richtext.facet"

_HANDLE = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,10}[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
_MENTION = regex.compile(rf"(?<![^\s(])@((?>{_HANDLE}))(?![a-z0-9_])", regex.IGNORECASE)
_TAG = regex.compile(r"(?<!\S)[#\uff03](?!\ufe0f)([^\s\u00ad\u200b\u2060]+)")
_PUNCTUATION_BEHIND = regex.compile(r"\p{P}+$")
_NOTHING_BUT_NUMBERS = regex.compile(r"[\p{P}\p{N}]*")


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in a text from one character to another: a link's address, a handle, or a tag."""

    kind: Literal["link", "mention", "tag"]
    start: int
    end: int
    value: str


def found_in(text: str) -> list[Found]:
    """All links, mentions and hashtags, in order; a link without a scheme is one of https."""
    links = [Found("link", one.start, one.end, one.url) for one in links_in(text)]
    found = sorted([*links, *_mentions(text), *_tags(text)], key=lambda one: (one.start, -one.end))
    apart: list[Found] = []
    for one in found:
        if not apart or one.start >= apart[-1].end:
            apart.append(one)
    return apart


def first_link(text: str) -> str | None:
    """The first link's address."""
    return next((one.value for one in found_in(text) if one.kind == "link"), None)


def handles_in(text: str) -> set[str]:
    """Who is mentioned, by handle."""
    return {one.value for one in found_in(text) if one.kind == "mention"}


def facets(text: str, dids: Mapping[str, str]) -> list[dict[str, Any]]:
    """The facets of a text; a handle without a DID stays text."""
    return [
        {"index": _index(text, one), "features": [feature]}
        for one in found_in(text)
        if (feature := _feature(one, dids)) is not None
    ]


def _index(text: str, found: Found) -> dict[str, int]:
    start = len(text[: found.start].encode())
    return {"byteStart": start, "byteEnd": start + len(text[found.start : found.end].encode())}


def _feature(found: Found, dids: Mapping[str, str]) -> dict[str, str] | None:
    match found.kind:
        case "link":
            return {"$type": f"{FACET}#link", "uri": found.value}
        case "tag":
            return {"$type": f"{FACET}#tag", "tag": found.value}
    did = dids.get(found.value)
    return {"$type": f"{FACET}#mention", "did": did} if did else None


def _mentions(text: str) -> Iterator[Found]:
    for match in _MENTION.finditer(text):
        yield Found("mention", match.start(), match.end(), match[1].lower())


def _tags(text: str) -> Iterator[Found]:
    for match in _TAG.finditer(text):
        tag = _PUNCTUATION_BEHIND.sub("", match[1])
        if len(tag) <= LONGEST_TAG and not _NOTHING_BUT_NUMBERS.fullmatch(tag):
            yield Found("tag", match.start(), match.start() + 1 + len(tag), tag)
