"""LinkedIn's own text format, "little text", in which some characters stand for hashtags and mentions. No I/O."""

import re

from services.publisher.platforms.links import links_in

_RESERVED = re.compile(r"[\\|{}@\[\]()<>#*_~]")
_ELEMENT = re.compile(
    r"""
    @\[(?P<name>[^\[\]\n]{1,200})\]\((?P<urn>urn:li:(?:person|organization):[\w-]+)\)
    | (?<![\w&/\#]) \# (?P<tag>\d*[^\W\d_]\w*)
    """,
    re.VERBOSE,
)
"""`@[Name](urn:li:organization:1)` is a mention, `#word` a hashtag."""


def little_text(text: str) -> str:
    """The text as LinkedIn's format writes it: nothing of it is taken for an element but mentions and hashtags.

    The `#` inside an address is no hashtag.
    """
    written, end = [], 0
    addresses = [(link.start, link.end) for link in links_in(text)]
    for found in _ELEMENT.finditer(text):
        if found["tag"] and any(first < found.start() < last for first, last in addresses):
            continue
        written += [_escaped(text[end : found.start()]), _element(found)]
        end = found.end()
    return "".join([*written, _escaped(text[end:])])


def _element(found: re.Match[str]) -> str:
    if found["tag"]:
        return f"{{hashtag|#|{_escaped(found['tag'])}}}"
    return f"@[{_escaped(found['name'])}]({found['urn']})"


def _escaped(text: str) -> str:
    return _RESERVED.sub(r"\\\g<0>", text)
