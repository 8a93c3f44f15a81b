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
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_UNSPACED_SCRIPTS = ("CJK ", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO ", "KHMER", "MYANMAR")


def composed(text: str) -> str:
    """The text with one code point for each letter with its accents: what a regular expression sees."""
    return unicodedata.normalize("NFC", text)


def spaced(text: str) -> str:
    """Composed, with one space where there is any."""
    return _SPACE.sub(" ", composed(text)).strip()


def folded(text: str) -> str:
    """Spaced, without regard to case."""
    return composed(spaced(text).casefold())


def words(text: str) -> str:
    """Only the words, with one space between them."""
    return _BETWEEN_WORDS.sub(" ", composed(text)).strip()


def folded_words(text: str) -> str:
    """Only the words, without regard to case."""
    return composed(words(text).casefold())


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
    """Whether two adjacent characters belong to one word."""
    if left < 0 or right >= len(text):
        return False
    return _is_of_a_word(text[left]) and _is_of_a_word(text[right])


@cache
def _is_of_a_word(character: str) -> bool:
    """Letters, digits, accents and the underscore; not those of scripts that put no space between words."""
    if character == "_" or unicodedata.category(character)[0] == "M":
        return True
    return character.isalnum() and not unicodedata.name(character, "").startswith(_UNSPACED_SCRIPTS)
