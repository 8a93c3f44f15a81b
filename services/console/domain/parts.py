"""Parts of what is known, each with an order: of two that tell of the same the later stands."""

from dataclasses import fields
from typing import Any, Protocol, TypeVar

Key = tuple[str, ...]
"""post_id and account_id of a post, account_id of an account."""


class Part(Protocol):
    @property
    def order(self) -> Any: ...


PartT = TypeVar("PartT", bound=Part)


def greater(one: PartT | None, other: PartT | None) -> PartT | None:
    """The later part; of two that are equally late the one of greater texts, so that every reader chooses alike."""
    if one is None or other is None or one == other:
        return one or other
    if one.order != other.order:
        return one if one.order > other.order else other
    return max(one, other, key=_texts_of)


def _texts_of(part: Any) -> tuple[str, ...]:
    """What a part says, field by field; what is absent is less than anything."""
    said = (getattr(part, field.name) for field in fields(part))
    return tuple("" if value is None else str(value) for value in said)
