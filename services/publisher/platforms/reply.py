"""What a server answered, and how its parts are read, whatever they turn out to be. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any

from pydantic_core import from_json

MOST_ID = 2000
CLOCKS_AGREE = timedelta(seconds=30)
"""`Date` tells whole seconds, and of the reply, which may have come some seconds after the request."""


@dataclass(frozen=True)
class Reply:
    """An HTTP response that has been read, and when it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    at: datetime

    @property
    def is_success(self) -> bool:
        """Whether the server says that it did what was asked."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_refusal(self) -> bool:
        """Whether it says that the request is at fault."""
        return HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR

    @cached_property
    def json(self) -> Mapping[str, Any]:
        """The body as a JSON object; empty where it is none."""
        return object_or_empty(json_or_none(self.body))

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace").replace("\x00", "").strip()

    @property
    def clock_is_behind(self) -> timedelta:
        """How far the server's clock is behind ours, by its `Date`; nothing where it is ahead, or does not tell."""
        return max(self.at - self._date, timedelta(0)) if self._date else timedelta(0)

    @property
    def server_time(self) -> datetime:
        """The instant from which those that it tells count: by its own clock, where that plainly differs from ours."""
        return self._date if self._date and abs(self._date - self.at) > CLOCKS_AGREE else self.at

    @cached_property
    def _date(self) -> datetime | None:
        return http_date(self.headers.get("date", ""))

    def saying(self, words: str) -> str:
        """These words after the status, for a person to read."""
        return f"HTTP {self.status}: {words}".rstrip(": ")


def http_date(value: str) -> datetime | None:
    """An instant as HTTP tells it (RFC 9110, 5.6.7); None where it is none."""
    try:
        instant = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def json_or_none(body: bytes) -> Any:
    """The JSON in a body; None where it is none."""
    try:
        return from_json(body)
    except ValueError:
        return None


def object_or_empty(value: object) -> Mapping[str, Any]:
    """A part of a reply as an object; empty where it is none."""
    return value if isinstance(value, dict) else {}


def objects_in(value: object) -> list[Mapping[str, Any]]:
    """The objects in a part of a reply that should be a list of them."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text_or_none(value: object) -> str | None:
    """A platform's id or URL as text."""
    is_text = isinstance(value, str | int) and not isinstance(value, bool) and value != ""
    return str(value)[:MOST_ID].replace("\x00", "") if is_text else None


def words_or_none(value: object) -> str | None:
    """A sentence of a reply."""
    return value.replace("\x00", "") if isinstance(value, str) and value else None
