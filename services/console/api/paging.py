"""Pages of lists: where one begins, how much it may hold, and where the next one goes on."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Query

from services.console.api.errors import Refusal
from services.console.cursor import BadCursor, Cursor

MOST_ON_A_PAGE = 500
PageSize = Annotated[int, Query(ge=1, le=MOST_ON_A_PAGE)]

ItemT = TypeVar("ItemT")
PlaceT = TypeVar("PlaceT")


def place_in(cursor: str | None) -> Cursor | None:
    """Where a page begins, by the cursor of the one before; the beginning without one."""
    try:
        return Cursor.read(cursor) if cursor else None
    except BadCursor as error:
        raise Refusal(400, "invalid", str(error), field="cursor") from error


def paged(
    found: Sequence[ItemT], size: int, place_of: Callable[[ItemT], PlaceT]
) -> tuple[Sequence[ItemT], PlaceT | None]:
    """A page of what was found, and the place where the next one goes on: one more was looked for than a page holds."""
    page = found[:size]
    return page, place_of(page[-1]) if len(found) > size else None
