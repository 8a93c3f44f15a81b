"""LinkedIn's own text format, "little text", in which some characters stand for hashtags and mentions. No I/O."""

import re

_RESERVED = re.compile(r"[\\|{}@\[\]()<>#*_~]")
_ELEMENT = re.compile(
    r"""
    @\[(?P<name>[^\[\]\n]{1,200})\]\((?P<urn>urn:li:(?:person|organization):[\w-]+)\)
    | (?<![\w&/\#]) \# (?P<tag>\d*[^\W\d_]\w*)
    """,
    re.VERBOSE,
)
"""`@[Name](urn:li:organization:1)` is a mention, `#word` a hashtag; the `#` inside an address is none."""


def little_text(text: str) -> str:
    """The text as LinkedIn's format writes it: nothing of it is taken for an element but mentions and hashtags."""
    written, end = [], 0
    for found in _ELEMENT.finditer(text):
        written += [_escaped(text[end : found.start()]), _element(found)]
        end = found.end()
    return "".join([*written, _escaped(text[end:])])


def _element(found: re.Match[str]) -> str:
    if found["tag"]:
        return f"{{hashtag|#|{_escaped(found['tag'])}}}"
    return f"@[{_escaped(found['name'])}]({found['urn']})"


def _escaped(text: str) -> str:
    return _RESERVED.sub(r"\\\g<0>", text)
