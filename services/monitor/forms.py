"""The forms in which texts are compared: composed, without regard to case or to how much space there is.

No I/O.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache

from services.monitor.domain import InvalidWorkspace, Keyword

Form = Callable[[str], str]

_SPACE = re.compile(r"\s+")
_MARKS = "".join(sign for sign in map(chr, range(0x300, 0x1F000)) if unicodedata.category(sign)[0] == "M")
"""Accents, vowel signs, and what makes a coloured picture of a sign, as in ❤️."""
_BETWEEN_WORDS = re.compile(rf"[\W_](?:(?<=[\x00-\u02ff])|(?<![{_MARKS}]))[\W_]*")
"""Not the marks on the last letter of the word before. Below U+0300 there are none, which is quick to see."""
_UNSPACED_SCRIPTS = (
    *("CJK ", "HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA", "HANGUL", "HALFWIDTH HANGUL"),
    *("THAI", "LAO ", "KHMER", "MYANMAR"),
)


_UNSEEN = "\u00ad\u200b\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
"""Soft hyphens, joiners, spaces without width, the direction of writing; not U+200C, which parts words in Persian."""
_AS_TYPED = str.maketrans(
    dict.fromkeys("\u2019\u02bc\uff07", "'") | dict.fromkeys("\u2010\u2011", "-") | dict.fromkeys(_UNSEEN)
)


def composed(text: str) -> str:
    """The text with one code point for each letter with its accents: what a regular expression sees."""
    return unicodedata.normalize("NFC", text)


def typed(text: str) -> str:
    """Composed, as somebody types it who sees it: without what cannot be seen, with plain apostrophes and hyphens."""
    return text if text.isascii() else composed(text.translate(_AS_TYPED))


def spaced(text: str) -> str:
    """As typed, with one space where there is any."""
    return _SPACE.sub(" ", typed(text)).strip()


def folded(text: str) -> str:
    """Spaced, without regard to case."""
    return _in_one_case(spaced(text))


def words(text: str) -> str:
    """Only the words, with one space between them."""
    return _BETWEEN_WORDS.sub(" ", typed(text)).strip()


def folded_words(text: str) -> str:
    """Only the words, without regard to case."""
    return _in_one_case(words(text))


def _in_one_case(text: str) -> str:
    """Without regard to case; in Turkish `I` is the capital of the dotless i, and `İ` that of `i`: all are `i`."""
    return composed(text.casefold().replace("i\u0307", "i").replace("\u0131", "i"))


def form_of(keyword: Keyword) -> Form:
    """The form in which a keyword and a text are compared."""
    if keyword.match == "phrase":
        return words if keyword.case_sensitive else folded_words
    return spaced if keyword.case_sensitive else folded


def formed(keyword: Keyword) -> str:
    """The keyword's own phrase in that form, or InvalidWorkspace where nothing is left of it."""
    text = form_of(keyword)(keyword.phrase)
    if not text:
        raise InvalidWorkspace(f"keywords: {keyword.phrase!r} has nothing that could be looked for; give it a word")
    return text


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether this part of the text is whole words; an edge that is no letter or digit needs no boundary."""
    return not (_joined(text, start - 1, start) or _joined(text, end - 1, end))


def _joined(text: str, left: int, right: int) -> bool:
    """Whether two adjacent characters belong to one word; an accent or vowel sign belongs to the one it stands on."""
    if left < 0 or right >= len(text):
        return False
    while left > 0 and _is_mark(text[left]):
        left -= 1
    return _is_of_a_word(text[left]) and (_is_mark(text[right]) or _is_of_a_word(text[right]))


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


@cache
def _is_of_a_word(character: str) -> bool:
    """Letters, digits and the underscore; not those of scripts that put no space between words."""
    if character == "_":
        return True
    return character.isalnum() and not unicodedata.name(character, "").startswith(_UNSPACED_SCRIPTS)
