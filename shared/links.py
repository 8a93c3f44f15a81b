"""Links in a text, as networks find them: a host under a top-level domain that exists, and what follows it. No I/O."""

from collections.abc import Iterator

import regex
from linkify_it.tlds import TLDS

Span = tuple[int, int]
"""Where a link begins and ends."""

_TOP_LEVEL = frozenset(name.lower() for name in TLDS) | {name.lower().encode().decode("idna") for name in TLDS}
_COUNTRY_CODE_LENGTH = 2
_LINKED_WITHOUT_PATH = frozenset({"co", "tv"})
"""The country codes that X links in `name.co` as well, with nothing before or behind."""

_IN_A_PATH = r"[\p{Latin}\p{Cyrillic}0-9!*';:=+,.$/%\#\[\]\-\u2013_~@|&]"
_IN_PARENTHESES = rf"\({_IN_A_PATH}*+\)"
_LINK = regex.compile(
    rf"""
    (?: (?<![a-z0-9@\uFF20$\#\uFF03]) (?P<scheme>https?://) | (?<![\p{{L}}\p{{M}}\p{{N}}@\uFF20$\#\uFF03_./:-]) )
    (?P<names> (?: [\p{{L}}\p{{M}}\p{{N}}] (?:[\p{{L}}\p{{M}}\p{{N}}_-]{{0,61}}[\p{{L}}\p{{M}}\p{{N}}])? \. ){{1,20}} )
    (?P<top> xn--[a-z0-9-]{{1,59}} | [a-z]{{2,63}}+ | (?:(?![a-z])\p{{L}}){{2,63}} ) (?![a-z0-9@_-])
    (?: :\d{{1,5}} )?
    (?P<path> / (?:
        (?: {_IN_A_PATH} | {_IN_PARENTHESES} )*
        (?: [\p{{Latin}}\p{{Cyrillic}}0-9=_\#/+\-] | {_IN_PARENTHESES} )
    )? )?
    (?: \? [a-z0-9!?*'();:&=+$/%\#\[\]\-_.,~|@]* [a-z0-9\-_&=\#/] )?
    """,
    regex.VERBOSE | regex.IGNORECASE,
)
"""What ends a sentence ends no link; a closing parenthesis belongs to a link that opened it; Chinese, Japanese and
Korean characters are no part of a path."""


def links_in(text: str, *, bare: bool = False) -> Iterator[Span]:
    """Where the links are: those with http(s)://, and with `bare` those as well that X links without it."""
    if "." not in text or not (bare or "://" in text):
        return
    for found in _LINK.finditer(text):
        if found["top"].lower() in _TOP_LEVEL and (found["scheme"] or (bare and _is_linked_bare(found))):
            yield found.span()


def _is_linked_bare(found: "regex.Match[str]") -> bool:
    """`name.de` alone is no link, `www.name.de`, `name.de/` and `name.com` are."""
    names, top = found["names"], found["top"].lower()
    is_short = names.count(".") == 1 and len(top) == _COUNTRY_CODE_LENGTH and found["path"] is None
    return names.isascii() and top.isascii() and (not is_short or top in _LINKED_WITHOUT_PATH)
