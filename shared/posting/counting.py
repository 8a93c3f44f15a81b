"""How long a text is, as each network counts it. No I/O."""

from collections.abc import Callable, Iterator, Mapping
from unicodedata import normalize

import regex

from shared.events.rules import TextRule, Unit
from shared.posting.links import links_in

WEIGHTED_LINK_LENGTH = 23

_GRAPHEME = regex.compile(r"\X")
_FLAG = regex.compile(r"\p{Regional_Indicator}{2}")
_WEIGHS_TWO = regex.compile("[^\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
"""All but the ranges that X's configuration (twitter-text, version 3) gives the weight 1."""
_EMOJI = regex.compile(
    r"""
    \p{Regional_Indicator}{2}
    | [0-9\#*]\uFE0F?\u20E3
    | \p{Extended_Pictographic} [\uFE0F\p{Emoji_Modifier}]? [\U000E0020-\U000E007F]*
      (?: \u200D \p{Extended_Pictographic} [\uFE0F\p{Emoji_Modifier}]? )*
    """,
    regex.VERBOSE,
)
_ONE_EMOJI = "\U0001f600"
_MENTION = regex.compile(r"(?<![\w/=])(@\w(?:[\w.-]{0,63}\w)?)@\w(?:[\w.-]{0,253}\w)?")


_MARKUP = regex.compile(r"<[^<>]*>|\]\([^()\s]*\)|&\#?\w{1,10};|[*_~`|\\\[\]]")


def counted(text: str, rule: TextRule, extra: str = "") -> int:
    """The text's length in the rule's unit; where links have a length of their own, that counts for each.

    `extra` counts as well, but as it stands.
    """
    return _counted(text, rule) + (_COUNTS[rule.counted_in](extra) if extra else 0)


def _counted(text: str, rule: TextRule) -> int:
    link_length = WEIGHTED_LINK_LENGTH if rule.counted_in == "weighted" else rule.link_length
    count = _COUNTS[rule.counted_in]
    if rule.counted_in == "weighted":
        text = normalize("NFC", text)
    if rule.short_mentions:
        text = _MENTION.sub(r"\1", text)
    if link_length is None:
        return count(text)
    pieces = list(_around_links(text, bare=rule.counted_in == "weighted"))
    return sum(map(count, pieces)) + link_length * (len(pieces) - 1)


def fits(text: str, rule: TextRule, extra: str = "") -> bool:
    """Whether the text is no longer than the rule says, without counting if that is obvious."""
    if rule.counted_in in ("characters", "graphemes") or text.isascii():
        links = text.count(".") * (WEIGHTED_LINK_LENGTH if rule.counted_in == "weighted" else rule.link_length or 0)
        if len(text) + len(extra) + links <= rule.most and (extra.isascii() or rule.counted_in != "weighted"):
            return True
    return counted(text, rule, extra) <= rule.most


def bare(text: str) -> str:
    """A marked-up text without what is plainly markup, of HTML and of Markdown: no longer than what readers see."""
    letters: str = _MARKUP.sub("", text)
    return letters


def _around_links(text: str, *, bare: bool) -> Iterator[str]:
    """What is before, between and behind the links."""
    end = 0
    for start, next_end in links_in(text, bare=bare):
        yield text[end:start]
        end = next_end
    yield text[end:]


def _graphemes(text: str) -> int:
    """Flags count as letters do: in a long run of them `\\X` looks back to its beginning for each."""
    return len(_GRAPHEME.findall(_FLAG.sub("x", text)))


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _bytes(text: str) -> int:
    return len(text.encode())


def _weighted(text: str) -> int:
    """Each emoji weighs two, however many code points it is made of; other characters one or two."""
    if text.isascii():
        return len(text)
    text = _EMOJI.sub(lambda emoji: emoji[0] if len(emoji[0]) == 1 else _ONE_EMOJI, text)
    return len(text) + len(_WEIGHS_TWO.findall(text))


_COUNTS: Mapping[Unit, Callable[[str], int]] = {
    "characters": len,
    "graphemes": _graphemes,
    "utf16": _utf16,
    "weighted": _weighted,
    "bytes": _bytes,
}
