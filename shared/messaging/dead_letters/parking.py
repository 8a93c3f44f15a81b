"""Parking: a message that cannot be handled, as it rests with the reason a person needs."""

from datetime import UTC, datetime, timedelta

from aio_pika.abc import AbstractIncomingMessage, FieldValue

from shared.database.engine import as_text
from shared.messaging.envelope import (
    PUT_OFF_SINCE_HEADER,
    SENT_AT_HEADER,
    Envelope,
    Headers,
    put_off_since,
    sent_at_of,
    type_of,
)
from shared.messaging.topology import DEAD_EXCHANGE, RETRY_EXCHANGE, dead_queue, retry_queue

FAILURES_HEADER = "timeball-failures"
REASON_HEADER, QUEUE_HEADER, PARKED_AT_HEADER = "reason", "queue", "parked_at"
MOST_REASON = 1000
MOST_CARRIED = 32 * 1024
"""Bytes of headers: all of a message's stand in one frame, to which ours are added, and RabbitMQ ends the connection on
which a frame of more than 128 KiB comes."""
MOST_COUNTED = 1_000_000
"""A header that says more was written by somebody else, and one more than it says may be more than AMQP can tell."""
_EPOCH = datetime.fromtimestamp(0, UTC)


def parked(message: AbstractIncomingMessage, *, service: str, queue: str, reason: str, now: datetime) -> Envelope:
    """The message as it rests in `<service>.dead`: body and id untouched, the reason in its headers."""
    headers = carried_headers(message) | _why(queue, reason, now) | put_off(message, now)
    return copied(message, headers).to(DEAD_EXCHANGE, routing_key=dead_queue(service))


def tried_again(
    message: AbstractIncomingMessage, *, service: str, queue: str, tier: int, taken_at: datetime, failures: int = 0
) -> Envelope:
    """The message on its way to a retry queue, from which it returns to `queue` after `tier` seconds."""
    again = handed_on(message, queue=queue, taken_at=taken_at, failures=failures)
    return again.to(RETRY_EXCHANGE, headers={"tier": retry_queue(service, tier)})


def handed_on(message: AbstractIncomingMessage, *, queue: str, taken_at: datetime, failures: int) -> Envelope:
    """The message on its way back to `queue`, for whoever takes it next."""
    headers = carried_headers(message) | {FAILURES_HEADER: failures} | put_off(message, taken_at)
    return copied(message, headers).to("", routing_key=queue)


def failures_of(message: AbstractIncomingMessage) -> int:
    """How often handling this message has failed so far."""
    return count_in(message, FAILURES_HEADER)


def count_in(message: AbstractIncomingMessage, header: str) -> int:
    """What we have counted in a header of the message."""
    count = message.headers.get(header)
    return count if type(count) is int and 0 <= count <= MOST_COUNTED else 0


def carried_headers(message: AbstractIncomingMessage) -> Headers:
    """The headers worth keeping: the broker's own records of earlier deaths would change how it routes. Where there is
    no room for all, the longest go."""
    kept: Headers = {name: value for name, value in message.headers.items() if _is_carried(name, value)}  # type: ignore[misc]
    room = MOST_CARRIED
    for size, name in sorted((_size(name, value), name) for name, value in kept.items()):
        room -= size
        if room < 0:
            del kept[name]
    return kept


def _size(name: str, value: str | int) -> int:
    """The bytes that a header takes, or nearly so."""
    return len(name.encode()) + (len(value.encode()) if isinstance(value, str) else 8)


def put_off(message: AbstractIncomingMessage, taken_at: datetime) -> Headers:
    """Since when it is put off: however often that happens, from the first time on."""
    since = put_off_since(message) or taken_at
    return {PUT_OFF_SINCE_HEADER: (since - _EPOCH) // timedelta(microseconds=1)}


def _is_carried(name: str, value: FieldValue) -> bool:
    return not name.startswith(("x-", "tier")) and isinstance(value, str | int)


def _why(queue: str, reason: str, now: datetime) -> Headers:
    return {REASON_HEADER: reason[:MOST_REASON], QUEUE_HEADER: queue, PARKED_AT_HEADER: as_text(now)}


def copied(message: AbstractIncomingMessage, headers: Headers) -> Envelope:
    """The message with these headers, as old as it is."""
    identity = message.message_id or ""
    if sent_at := sent_at_of(message):
        headers = headers | {SENT_AT_HEADER: int(sent_at.timestamp())}
    return Envelope(
        type=type_of(message),
        body=message.body,
        message_id=identity,
        correlation_id=message.correlation_id or identity,
        routing_key=message.routing_key or "",
        headers=headers,
    )
