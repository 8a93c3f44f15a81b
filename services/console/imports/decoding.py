"""From bytes to text: the encoding is the one that is named, else the one that the bytes show."""

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import CharsetMatches, from_bytes

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_USUAL = "cp1252"
_PLAUSIBLE = [
    _USUAL, "cp1250", "cp1251", "cp1253", "cp1254", "iso8859_15", "koi8_r", "mac_roman",
    "cp932", "gb18030", "big5", "euc_jp", "euc_kr", "utf_16_le", "utf_16_be",
]  # fmt: skip
"""What spreadsheets write. Among all that there are, a few lines of text could be nearly anything."""
_BAD_BYTE = re.compile("[\udc80-\udcff]")
_HALF_A_PAIR = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Of surrogates, which some encodings can write alone; no JSON holds it."""


class UnknownEncoding(ValueError):
    """No such encoding, or not that of this file."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text with plain newlines; what could not be decoded is found by `bad_byte_in`."""

    text: str
    encoding: str
    is_guessed: bool = False


def decoded(content: bytes, encoding: str | None = None) -> Decoded:
    """The text in a file's bytes, or UnknownEncoding."""
    if encoding:
        return _as_named(content, encoding)
    for mark, name in _MARKS:
        if content.startswith(mark):
            return _as_named(content, name)
    text = content.decode("utf-8", "surrogateescape")
    guess = _guessed(content) if _is_hardly_utf8(text) else None
    if guess:
        return Decoded(_plain(content.decode(guess)), _usual_name(guess), is_guessed=True)
    return Decoded(_plain(text), "utf-8")


def bad_byte_in(text: str) -> str | None:
    """`0xFF`, where the text has a byte that its encoding does not know."""
    found = _BAD_BYTE.search(text)
    return f"0x{ord(found.group()) - 0xDC00:02X}" if found else None


def _as_named(content: bytes, encoding: str) -> Decoded:
    try:
        text = content.decode(encoding, "surrogateescape")
    except UnicodeError as error:
        raise UnknownEncoding(f"the file is not in {encoding} ({error.args[-1]}); name another encoding") from None
    except (LookupError, ValueError):  # the latter where no encoding can be called so
        raise UnknownEncoding(f"no encoding is called {encoding!r}: use a name such as utf-8 or windows-1252") from None
    if half := _HALF_A_PAIR.search(text):
        raise UnknownEncoding(f"the file is not in {encoding} ({half[0]!r} is no character); name another encoding")
    return Decoded(_plain(text), encoding.removesuffix("-sig"))


def _is_hardly_utf8(text: str) -> bool:
    """Whether most of what is beyond ASCII is no UTF-8: a few bad bytes in good UTF-8 are mistakes, not an encoding."""
    bad = len(_BAD_BYTE.findall(text))
    return 2 * bad > sum(not character.isascii() for character in text)


def _guessed(content: bytes) -> str | None:
    matches = from_bytes(content, cp_isolation=_PLAUSIBLE)
    best = matches.best()
    return (_USUAL if _is_as_good(matches, best.chaos) else best.encoding) if best else None


def _is_as_good(matches: CharsetMatches, chaos: float) -> bool:
    """Whether the usual encoding explains the bytes as well as the best one: then it is the likelier one."""
    return any(_USUAL in match.could_be_from_charset and match.chaos <= chaos for match in matches)


def _usual_name(encoding: str) -> str:
    """`windows-1252` for Python's `cp1252`: what people call it, and `--encoding` understands."""
    return encoding.replace("cp125", "windows-125").replace("_", "-")


def _plain(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
