"""Notices: each message that is parked, by us or by the broker itself, is told of as `dead_letter.parked`.

A copy of it waits in `<service>.parked` until that is confirmed, so none is missed, whoever died meanwhile.
"""

from dataclasses import dataclass

import structlog
from aio_pika.abc import AbstractIncomingMessage

from shared.events.dead_letters import DeadLetterParked
from shared.messaging.acknowledging import Acknowledgements
from shared.messaging.broker import Outgoing, Publisher
from shared.messaging.dead_letters.letter import Letter
from shared.messaging.dead_letters.payload import payload_of, printable
from shared.messaging.envelope import Envelope, correlation_of
from shared.messaging.in_hand import published_in_hand
from shared.messaging.topology import notices_queue
from shared.secrets.redaction import redact_text

NOTICE_HEADER = "timeball-notice"
"""On each notice. A notice that cannot be handled is not reported itself: that would never end."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Notices:
    """Tells of a service's dead letters."""

    service: str
    publisher: Publisher
    acknowledgements: Acknowledgements

    async def settle(self, message: AbstractIncomingMessage) -> None:
        """Return when it is told of."""
        notice = self._notice(message)
        queue = notices_queue(self.service)
        told = notice is None or await published_in_hand(self.publisher, message, notice, queue=queue)
        if told:
            await self.acknowledgements.acknowledge(message)

    def _notice(self, message: AbstractIncomingMessage) -> Outgoing | None:
        """What is told; nothing can be of a letter that breaks this very code, which rests all the same."""
        if NOTICE_HEADER in message.headers:
            return None
        try:
            notice = notice_of(Letter.of(message), self.service)
        except Exception:
            log.exception("dead_letter_not_told", service=self.service, message_id=message.message_id)
            return None
        return Outgoing.of(notice)


def notice_of(letter: Letter, service: str) -> Envelope:
    """What is told of a letter, secrets left out."""
    payload = payload_of(letter.message.body)
    fact = DeadLetterParked(
        service=service,
        message_id=letter.id,
        parked_at=letter.parked_at,
        message_type=printable(letter.type),
        reason=printable(redact_text(letter.reason)),
        payload=payload.text,
        size=len(letter.message.body),
        replays=letter.replays,
        queue=letter.queue,
        post_id=payload.post_id,
        account_id=payload.account_id,
    )
    envelope = Envelope.of(fact, correlation_id=correlation_of(letter.message))
    return envelope.to(envelope.exchange, headers={NOTICE_HEADER: 1})
