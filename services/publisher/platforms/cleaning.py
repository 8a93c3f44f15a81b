"""What people copy together with a name or a token: blanks, marks that nobody sees, an `@`. No I/O."""

from collections.abc import Collection, Mapping
from typing import Any
from unicodedata import category

INVISIBLE = ("Cc", "Cf")
"""Control and format characters: zero widths, and the marks of direction that messengers put around a handle."""


def cleaned(fields: Mapping[str, Any], handles: Collection[str] = ()) -> dict[str, Any]:
    """Every text without what stands around it; those named in `handles` without their `@` as well."""
    return {name: _cleaned(value, is_handle=name in handles) for name, value in fields.items()}


def _cleaned(value: Any, *, is_handle: bool) -> Any:
    if isinstance(value, list):
        return [_cleaned(one, is_handle=is_handle) for one in value]
    if not isinstance(value, str):
        return value
    return trimmed(value).removeprefix("@") if is_handle else trimmed(value)


def trimmed(text: str) -> str:
    """The text without blanks and invisible characters at both ends; between its words they stay."""
    start, end = 0, len(text)
    while start < end and _is_nothing(text[start]):
        start += 1
    while end > start and _is_nothing(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_nothing(character: str) -> bool:
    return character.isspace() or category(character) in INVISIBLE
