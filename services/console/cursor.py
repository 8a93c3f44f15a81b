"""Cursors: where a page of a list ended, as an opaque text for the next request."""

import base64
import json
from datetime import datetime
from typing import NamedTuple

from pydantic import TypeAdapter

from shared.database.engine import as_text
from shared.events.base import Instant, Text

MOST_SHOWN = 80
_PLACE = TypeAdapter(tuple[Instant, Text, Text])


class BadCursor(ValueError):
    """The text is no cursor of ours."""

    def __init__(self, text: str) -> None:
        shown = repr(text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…")
        super().__init__(f"cursor: {shown} is none of ours; give the `next` of the page before, or start without one")


class Cursor(NamedTuple):
    """The last thing on a page, by what the list is in order of: an instant, then its ids."""

    at: datetime
    first_id: str
    second_id: str = ""

    def __str__(self) -> str:
        place = json.dumps([as_text(self.at), self.first_id, self.second_id])
        return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """The cursor that `str` wrote, or BadCursor."""
        try:
            padded = text + "=" * (-len(text) % 4)
            return cls(*_PLACE.validate_json(base64.b64decode(padded, altchars=b"-_", validate=True)))
        except ValueError as error:
            raise BadCursor(text) from error
