"""Cursors: where a page of posts ended, as an opaque text for the next request."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime

from shared.database.engine import as_text


class BadCursor(ValueError):
    """The cursor is none of ours; leave it out to start at the beginning."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last post of a page, in the order of the list."""

    due_at: datetime
    post_id: str
    account_id: str

    def __str__(self) -> str:
        place = json.dumps([as_text(self.due_at), self.post_id, self.account_id])
        return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """The cursor that `str` wrote, or BadCursor."""
        try:
            padded = text + "=" * (-len(text) % 4)
            due_at, post_id, account_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            cursor = cls(datetime.fromisoformat(due_at), post_id, account_id)
        except (ValueError, TypeError, binascii.Error, RecursionError) as error:
            raise BadCursor(str(BadCursor.__doc__)) from error
        if cursor.due_at.tzinfo is None or not isinstance(post_id, str) or not isinstance(account_id, str):
            raise BadCursor(str(BadCursor.__doc__))
        return cursor
