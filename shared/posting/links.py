"""Links in a text, as networks find them: a host under a top-level domain that exists, and what follows it. No I/O."""

from collections.abc import Iterator

import regex
from linkify_it.tlds import TLDS

Span = tuple[int, int]
"""Where a link begins and ends."""

_TOP_LEVEL = frozenset(name.lower() for name in TLDS) | {name.lower().encode().decode("idna") for name in TLDS}

_SCHEME = r"(?<![a-z0-9@\uFF20$\#\uFF03]) https?://"
_NAMES = r"(?: [\p{L}\p{M}\p{N}] (?:[\p{L}\p{M}\p{N}_-]{0,61}[\p{L}\p{M}\p{N}])? \. ){1,20}"
_LATIN_NAMES = r"(?: [\p{Latin}0-9] (?:[\p{Latin}0-9_-]{0,61}[\p{Latin}0-9])? \. ){1,20}"
_NOT_BEFORE_A_NAME = r"(?<![\p{Latin}0-9@\uFF20$\#\uFF03_./-])"
_TOP = r"(?P<top> xn--[a-z0-9-]{1,59} | [a-z]{2,63}+ | (?:(?![a-z])\p{L}){2,63} ) (?![a-z0-9@_-]) (?: :\d{1,5} )?"


def _links(begin: str, *, inside: str, at_the_end: str, query: str) -> "regex.Pattern[str]":
    """Links that begin so, with these characters inside a path, at its end, and besides ASCII in a query."""
    in_parentheses = rf"\({inside}*+\)"
    return regex.compile(
        rf"""
        {begin} {_TOP}
        (?: / (?: (?: {inside} | {in_parentheses} )* (?: {at_the_end} | {in_parentheses} ) )? )?
        (?: \? [a-z0-9!?*'();:&=+$/%\#\[\]\-_.,~|@{query}]* [a-z0-9\-_&=\#/{query}] )?
        """,
        regex.VERBOSE | regex.IGNORECASE,
    )


_LINK = _links(
    rf"{_SCHEME} {_NAMES}",
    inside=r"[^\p{White_Space}<>()?]",
    at_the_end=r"""[^\p{White_Space}()?!*"'「」<>;:=,.$%\[\]~&|@]""",
    query=r"\u00A0-\uD7FF\uF900-\uFFEF\U00010000-\U000EFFFD",
)
"""As Mastodon finds them: a path has what is no space, in any script.
https://github.com/mastodon/mastodon/blob/main/config/initializers/twitter_regex.rb"""
_LINK_OR_BARE = _links(
    rf"(?: {_SCHEME} {_NAMES} | {_NOT_BEFORE_A_NAME} {_LATIN_NAMES} )",
    inside=r"[\p{Latin}\p{Cyrillic}0-9!*';:=+,.$/%\#\[\]\-\u2013_~@|&]",
    at_the_end=r"[\p{Latin}\p{Cyrillic}0-9=_\#/+\-]",
    query="",
)
"""As X finds them (twitter-text 3.1): Chinese, Japanese and Korean characters are no part of a path, and a name without
http(s):// may follow them."""


def links_in(text: str, *, bare: bool = False) -> Iterator[Span]:
    """Where the links are: those with http(s)://, and with `bare` those as well that X links without it.

    What ends a sentence ends no link; a closing parenthesis belongs to a link that opened it.
    """
    if "." not in text or not (bare or "://" in text):
        return
    for found in (_LINK_OR_BARE if bare else _LINK).finditer(text):
        if found["top"].lower() in _TOP_LEVEL:
            yield found.span()
