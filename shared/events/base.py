"""What every event has in common: it is frozen, strictly typed, tolerant of unknown fields, and has a name."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
)

from shared.connections.paths import STEPS_IN_A_PATH
from shared.connections.web_address import check_web_address
from shared.events.patterns import NAME, NO_CONTROLS, WEB_URL

MAX_TEXT_LENGTH = 100_000
MAX_OPTIONS_LENGTH = 20_000
MOST_COUNTED = 2**31 - 1
"""What an integer column of every database holds; SQLite would round what is far greater, and read it as no integer."""
MOST_MEASURED = 10**13
"""More than any clock measures, were it centuries ahead: 300 years in milliseconds."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)
_LOST_PLUS = re.compile(r":\S+ \d\d:?\d\d$", re.ASCII)


def _read(instant: object) -> object:
    """The instant in a text; a number is none, not as text either: nobody could tell its seconds from milliseconds."""
    if isinstance(instant, datetime):
        return instant
    if not isinstance(instant, str) or not _RFC3339.match(instant):
        raise ValueError("an instant is RFC 3339 text with an offset, such as 2027-03-28T09:00:00+02:00")
    try:
        read = datetime.fromisoformat(instant.upper())
    except ValueError as error:
        raise ValueError(f"no such instant: {_in_words(error, instant)}") from error
    if read.tzinfo is None:
        raise ValueError("the instant has no offset; add one, such as +02:00 or Z")
    return read


def _in_words(error: ValueError, instant: str) -> str:
    """What is wrong with an instant: Python names a part of it well, but not what else stands in it."""
    if _LOST_PLUS.search(instant):
        return "its + has become a blank, as it does in an address: write %2B there"
    said = str(error)
    if said.startswith("offset"):
        return "its offset is a day or more; write one such as +02:00"
    return "write it as 2027-03-28T09:00:00+02:00" if said.startswith("Invalid") else said


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the instant is outside the years 1 to 9999 in UTC") from error


def _addressable(identity: str) -> str:
    if identity in STEPS_IN_A_PATH:
        raise ValueError("no address can name `.` and `..`; choose another one")
    return identity


def _visible(identity: str) -> str:
    if identity.isspace():
        raise ValueError("nobody can see a name of blanks alone; choose another one")
    return identity


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("the text contains the character U+0000, which no database stores; remove it")
    return text


def _countable(number: int) -> int:
    if number > MOST_COUNTED:
        raise ValueError(f"no database counts beyond {MOST_COUNTED:,}; give a smaller number")
    return number


def _measurable(number: float) -> float:
    if abs(number) > MOST_MEASURED:
        raise ValueError(f"no clock measures beyond {MOST_MEASURED:,}; give a smaller number")
    return number


def _storable(options: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The options, without those that are null: they are not given."""
    text = repr(options)
    if "None" in text:
        options = {name: option for name, option in options.items() if option is not None}
    if len(text) > MAX_OPTIONS_LENGTH:
        raise ValueError(f"it is longer than {MAX_OPTIONS_LENGTH:,} characters in all; shorten it")
    if "\\x00" in text and any("\x00" in part for part in _leaves(options) if isinstance(part, str)):
        raise ValueError("it contains the character U+0000; remove it")
    if ("nan" in text or "inf" in text) and any(
        not isfinite(part) for part in _leaves(options) if isinstance(part, float)
    ):
        raise ValueError("it contains a number that JSON does not know (NaN, Infinity); remove it")
    return options


def _leaves(value: JsonValue) -> Iterator[JsonValue]:
    """Every key, text, number and so on in a JSON value."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    else:
        yield value


Instant = Annotated[AwareDatetime, BeforeValidator(_read), AfterValidator(_in_utc)]
"""An RFC 3339 instant with an offset, held in UTC."""

MOST_OF_AN_ID = 200
Id = Annotated[str, StringConstraints(min_length=1, max_length=MOST_OF_AN_ID, pattern=NO_CONTROLS)]
"""An identifier chosen by a producer: 1 to 200 characters, no control characters."""

VisibleId = Annotated[Id, AfterValidator(_visible)]
"""An identifier that is not of blanks alone."""

NewId = Annotated[VisibleId, AfterValidator(_addressable)]
"""An identifier of something that may be made by it: an address can name it."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NAME)]
NewName = Annotated[Name, AfterValidator(_addressable)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT_LENGTH), AfterValidator(_without_nul)]
WebUrl = Annotated[str, StringConstraints(max_length=2048, pattern=WEB_URL)]
NewWebUrl = Annotated[WebUrl, AfterValidator(check_web_address)]
Options = Annotated[dict[str, JsonValue], AfterValidator(_storable)]
Amount = Annotated[int, Field(ge=0)]
"""How much of something a network allows, in its own words: however much that is."""

Count = Annotated[int, Field(ge=0), AfterValidator(_countable)]
Duration = Annotated[float, AfterValidator(_measurable)]
"""A time that was measured, in the unit that the name of its field ends with."""
Revision = Annotated[int, Field(ge=1), AfterValidator(_countable)]


class Value(BaseModel):
    """A part of an event: compared by its fields, never changed."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False, hide_input_in_errors=True)


class Event(Value):
    """Something that happened, or that somebody asks for; `type` is its routing key."""

    type: ClassVar[str] = ""

    def __init_subclass__(cls, *, type: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.type = type

    def body(self) -> bytes:
        """The event as JSON; what is absent stays absent."""
        return self.model_dump_json(exclude_none=True).encode()


class ErrorDetail(Value):
    """What went wrong: `kind` is our class of error (`class` on the wire), `code` the platform's."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    kind: str = Field(alias="class")
    code: str
    message: str
