"""The envelope: an event with the AMQP properties it travels with."""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Generic, TypeVar
from uuid import uuid4

from aio_pika.abc import AbstractIncomingMessage, FieldValue
from pamqp import commands
from pydantic import ValidationError
from pydantic_core import from_json

from shared.events import EVENTS, Event
from shared.events.explaining import explain
from shared.events.near_misses import misspelt_in
from shared.events.reading import read_json, without_mark
from shared.messaging.topology import EVENTS_EXCHANGE

MAX_BODY_BYTES = 8 * 1024 * 1024
Headers = dict[str, str | int]
SENT_AT_HEADER = "timeball-sent-at"
"""When a message was first sent, on its copies in retry queues and dead letters: their own timestamps are later."""
EventT_co = TypeVar("EventT_co", bound=Event, covariant=True)
_VERSIONED = re.compile(r"^(?P<type>.+)\.v\d+$")
_SECONDS = range(253402300800)
"""Those of the years that there are instants for, as POSIX counts them."""
PUT_OFF_SINCE_HEADER = "timeball-put-off-since"
"""When a service first took a message that it has put off since, in microseconds as POSIX counts them."""
REPLAYS_HEADER = "timeball-replays"
"""How often a message has been replayed as a dead letter."""
_PERSISTENT = 2
_DIGEST_LENGTH = 12
_MOST_OF_AN_ID = 180
_SAFE_ID = re.compile(r"[\x20-\x7e]{1,200}")
_CARRIED = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,200}")


class UnreadableEvent(Exception):
    """The bytes are no event of ours, and repeating the delivery cannot help."""

    def __init__(self, reason: str, *, type: str, body: bytes) -> None:
        super().__init__(reason)
        self.reason = reason
        self.type = type
        self.body = body


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event on its way out: what is sent, under which identity, and where to."""

    type: str
    body: bytes
    message_id: str
    correlation_id: str
    exchange: str = EVENTS_EXCHANGE
    routing_key: str = ""
    headers: Headers = field(default_factory=dict)

    @classmethod
    def of(cls, event: Event, *, correlation_id: str | None = None) -> "Envelope":
        """Wrap an event under a new message id; its routing key is its type."""
        message_id = str(uuid4())
        return cls(event.type, event.body(), message_id, correlation_id or message_id, routing_key=event.type)

    def to(self, exchange: str, *, routing_key: str | None = None, headers: Headers | None = None) -> "Envelope":
        """The same event, addressed elsewhere, with more headers."""
        key = self.routing_key if routing_key is None else routing_key
        return replace(self, exchange=exchange, routing_key=key, headers=self.headers | (headers or {}))

    def properties(self, *, app_id: str, now: datetime, expiration_ms: int | None = None) -> commands.Basic.Properties:
        """The AMQP properties of the contract, for persistent JSON."""
        return commands.Basic.Properties(
            content_type="application/json",
            headers=dict[str, FieldValue](self.headers),
            delivery_mode=_PERSISTENT,
            correlation_id=self.correlation_id,
            expiration=None if expiration_ms is None else str(expiration_ms),
            message_id=self.message_id,
            timestamp=now,
            message_type=self.type,
            app_id=app_id,
        )


@dataclass(frozen=True, slots=True)
class Delivery(Generic[EventT_co]):
    """An event that arrived. `message_id` and `sent_at` are None where an outside producer gave none.

    `put_off_since` is when this service first took a message that has waited in a retry queue, or as a dead letter;
    `is_replayed` says that somebody has replayed it as one.
    """

    event: EventT_co
    message_id: str | None
    correlation_id: str
    redelivered: bool = False
    sent_at: datetime | None = None
    put_off_since: datetime | None = None
    derived_id: str | None = None
    is_replayed: bool = False
    body: bytes = field(default=b"", repr=False)
    """The event as it came, with the fields that nobody knows."""

    @property
    def request_id(self) -> str:
        """What tells this request from all others, in every service alike, though its producer uses an id twice."""
        return self.inbox_id or self.derived_id or self.correlation_id

    @property
    def inbox_id(self) -> str | None:
        """What an inbox remembers: a second request with the same id but another body is no repetition of the first."""
        return inbox_id(self.message_id, self.event.type, self.body) if self.message_id else None

    @property
    def misspelt(self) -> str | None:
        """What in it is nearly a field of its event, for a person; None where nothing is."""
        return misspelt_in(from_json(self.body), type(self.event)) if self.body else None


def read(message: AbstractIncomingMessage) -> Delivery[Event]:
    """The event in a message, or UnreadableEvent with a reason a person understands."""
    body = without_mark(message.body)
    if message.type and type_of(message) != message.type:
        raise UnreadableEvent(_called_another(message), type=type_of(message), body=body)
    message_id = safe_id(message.message_id)
    return Delivery(
        read_event(type_of(message), body, message.routing_key),
        message_id,
        correlation_of(message),
        bool(message.redelivered),
        sent_at_of(message),
        put_off_since(message),
        None if message_id else derived_id(type_of(message), message.body),
        REPLAYS_HEADER in message.headers,
        body,
    )


def correlation_of(message: AbstractIncomingMessage) -> str:
    """What every event that follows from the message carries, in any script: its own, else one that begins with it."""
    given = message.correlation_id
    if given and _CARRIED.fullmatch(given) and not given.isspace():
        return given
    return safe_id(message.message_id) or derived_id(type_of(message), message.body)


def inbox_id(message_id: str, type_: str, body: bytes) -> str:
    """What an inbox remembers of a message."""
    digest = sha256(f"{type_}:".encode() + body).hexdigest()[:_DIGEST_LENGTH]
    return f"{message_id[:_MOST_OF_AN_ID]}:{digest}"


def derived_id(type_: str, body: bytes) -> str:
    """The id of a message without one: the same in every service, however often the message is read."""
    return f"body-{sha256(type_.encode('utf-8', 'replace') + b':' + body).hexdigest()[:32]}"


def put_off_since(message: AbstractIncomingMessage) -> datetime | None:
    """When the service first took a message that it has put off since, or None where it is taken for the first time."""
    since = message.headers.get(PUT_OFF_SINCE_HEADER)
    if type(since) is not int or since // 1_000_000 not in _SECONDS:
        return None
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=since)


def sent_at_of(message: AbstractIncomingMessage) -> datetime | None:
    """When its producer sent the message, in whole seconds, however often it has been tried again since."""
    first = message.headers.get(SENT_AT_HEADER)
    return datetime.fromtimestamp(first, UTC) if type(first) is int and first in _SECONDS else message.timestamp


def type_of(message: AbstractIncomingMessage) -> str:
    """The event's name."""
    return name_of(message.type, message.exchange, message.routing_key)


def name_of(type_: str | None, exchange: str | None, routing_key: str | None) -> str:
    """The name of a message's event: its `type` property, or the routing key where a producer left it out.

    What came to the exchange of all events is never another event than its routing key says: by that alone the broker
    knows who may send what.
    """
    is_another = exchange == EVENTS_EXCHANGE and type_ in EVENTS and type_ != routing_key
    return type_ if type_ and not is_another else routing_key or ""


def _called_another(message: AbstractIncomingMessage) -> str:
    way_out = "let both say the same, or leave `type` out"
    return f"it came as {message.routing_key!r}, and its property `type` says {message.type!r}: {way_out}"


def read_event(type_name: str, body: bytes, routing_key: str | None = None) -> Event:
    """Parse the body of an event by its name; the routing key is what it came with."""
    event_class = EVENTS.get(type_name)
    if event_class is None:
        raise UnreadableEvent(_unknown(type_name, routing_key), type=type_name, body=body)
    if len(body) > MAX_BODY_BYTES:
        reason = f"the body has {len(body):,} bytes; at most {MAX_BODY_BYTES:,} are read: split it"
        raise UnreadableEvent(reason, type=type_name, body=body)
    try:
        return read_json(event_class, body)
    except ValidationError as error:
        # Not chained: pydantic's own text would be logged with it.
        raise UnreadableEvent(explain(error), type=type_name, body=body) from None


def _unknown(type_name: str, routing_key: str | None) -> str:
    versioned = _VERSIONED.match(type_name)
    if versioned and versioned["type"] in EVENTS:
        return f"unknown version {type_name!r}: this release reads {versioned['type']!r}"
    if routing_key in EVENTS:
        way_out = f"let it say {routing_key!r}, as the routing key does, or leave it out"
        return f"unknown event type {type_name!r} in the property `type`: {way_out}"
    return f"unknown event type {type_name!r}"


def safe_id(identity: str | None) -> str | None:
    """An id that any database and log stores as it is, and that is not of blanks alone; else it counts as absent."""
    return identity if identity and _SAFE_ID.fullmatch(identity) and not identity.isspace() else None
