"""A letter: a message at rest, by what its headers say of where it came from and why. No I/O."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from aio_pika.abc import AbstractIncomingMessage

from shared.events.dead_letters import SettledLetter
from shared.messaging.dead_letters.parking import (
    FAILURES_HEADER,
    PARKED_AT_HEADER,
    QUEUE_HEADER,
    REASON_HEADER,
    carried_headers,
    copied,
    count_in,
    put_off,
)
from shared.messaging.envelope import REPLAYS_HEADER, Envelope, Headers, derived_id, name_of, safe_id, type_of

REPLAYED_FOR_HEADER = "timeball-replayed-for"
_OF_ITS_REST = {FAILURES_HEADER, REASON_HEADER, QUEUE_HEADER, PARKED_AT_HEADER}
_NOBODY_SAID_WHEN = datetime(1970, 1, 1, tzinfo=UTC)
_DELIVERED_TOO_OFTEN = "each process that took it ended or lost its connection before it was done: poison"


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter. `queue` is None where nothing tells where it came from."""

    message: AbstractIncomingMessage
    id: str
    type: str
    queue: str | None
    reason: str
    parked_at: datetime
    replays: int

    @classmethod
    def of(cls, message: AbstractIncomingMessage) -> Self:
        """Read a letter. The broker's own record counts before our headers, which it may have had all along."""
        death = _latest_death(message)
        type_ = _name_before(message, death) if death else type_of(message)
        return cls(
            message=message,
            id=safe_id(message.message_id) or derived_id(type_, message.body),
            type=type_,
            queue=_text(death, "queue") if death else _header(message, QUEUE_HEADER),
            reason=_reason(death) if death else _header(message, REASON_HEADER) or "no reason was given",
            parked_at=_instant(death.get("time") if death else message.headers.get(PARKED_AT_HEADER)),
            replays=count_in(message, REPLAYS_HEADER),
        )

    @property
    def replayed_for(self) -> str | None:
        """The request for which it was replayed last."""
        return _header(self.message, REPLAYED_FOR_HEADER)

    def replayed(self, request_id: str) -> Envelope:
        """The message on its way back to its queue: with its identity, taken before it died, its failures forgotten."""
        carried = carried_headers(self.message) | self._put_off()
        kept = {name: value for name, value in carried.items() if name not in _OF_ITS_REST}
        counted: Headers = {REPLAYS_HEADER: self.replays + 1, REPLAYED_FOR_HEADER: request_id}
        copy = copied(self.message, kept | counted).to("", routing_key=self.queue)
        return replace(copy, type=self.type, message_id=self.id, correlation_id=copy.correlation_id or self.id)

    def _put_off(self) -> Headers:
        """Since when: what the broker set aside was taken before, and is older than all that came after it."""
        return {} if self.parked_at == _NOBODY_SAID_WHEN else put_off(self.message, self.parked_at)

    def settled(self) -> SettledLetter:
        """What is told of it when it rests no more."""
        return SettledLetter(message_id=self.id, parked_at=self.parked_at, queue=self.queue)


def _latest_death(message: AbstractIncomingMessage) -> dict[str, Any] | None:
    """What the broker wrote when it set the message aside itself; our own copies are without it."""
    deaths: Any = message.headers.get("x-death")
    latest = deaths[0] if isinstance(deaths, list) and deaths else None
    return latest if isinstance(latest, dict) else None


def _name_before(message: AbstractIncomingMessage, death: dict[str, Any]) -> str:
    """What it was called when it came to the queue from which the broker took it."""
    return name_of(message.type, _text(death, "exchange"), _text(death, "routing-keys"))


def _reason(death: dict[str, Any]) -> str:
    why = _text(death, "reason") or "unknown"
    return f"the broker set it aside ({why}){f': {_DELIVERED_TOO_OFTEN}' if why == 'delivery_limit' else ''}"


def _header(message: AbstractIncomingMessage, name: str) -> str | None:
    value = message.headers.get(name)
    return value if isinstance(value, str) else None


def _text(death: dict[str, Any], name: str) -> str | None:
    value = death.get(name)
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, str) else None


def _instant(value: Any) -> datetime:
    """An instant as the broker or we have written it; naive ones are in UTC."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return _NOBODY_SAID_WHEN
    if not isinstance(at, datetime):
        return _NOBODY_SAID_WHEN
    return at if at.tzinfo else at.replace(tzinfo=UTC)
