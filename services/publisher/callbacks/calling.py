"""Calls back: a signed POST, repeated with growing pauses until it is taken, apart from all publishing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus

import httpx
import structlog
from prometheus_client import Counter

from services.publisher.accounts.credentials import host_of
from services.publisher.callbacks.telling import FIRST_WAIT, body_of, next_wait
from services.publisher.limits.circuit_breaker import CircuitOpen
from services.publisher.limits.circuit_breakers import CircuitBreakers
from services.publisher.platforms.allowance import retry_after_of
from services.publisher.platforms.errors import PlatformError, Unavailable
from services.publisher.platforms.exchange import exchange, network_failures
from services.publisher.platforms.judging import ANY, any_words
from services.publisher.platforms.reply import Reply
from services.publisher.platforms.webhook.signature import signature_headers
from shared.clocks.awake_timeout import AwakeTimeout
from shared.clocks.clock import Clock
from shared.events.callbacks import CallbackRequested
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import Park, TryAgain

GONE = "410"
HOPELESS = ("forbidden_address", "invalid_request")

WORDS_WITHIN = 1.0

CALLBACKS = Counter("timeball_callbacks_total", "What became of calls of callbacks", ["outcome"])

log = structlog.get_logger()


def refused(reply: Reply) -> PlatformError | None:
    """Every refusal but 410 may pass, after the pause that it asks for."""
    if not reply.is_refusal or reply.status in (HTTPStatus.GONE, HTTPStatus.TOO_MANY_REQUESTS):
        return None
    message = reply.saying(any_words(reply) or "")
    return Unavailable(message, code=str(reply.status), retry_after=retry_after_of(reply.headers, reply.server_time))


RECEIVER = replace(ANY, documented=refused, body_within=WORDS_WITHIN)


@dataclass(frozen=True)
class CallingBack:
    """Delivers callbacks with a client and turns of its own."""

    client: httpx.AsyncClient
    keys: Sequence[bytes]
    breakers: CircuitBreakers
    clock: Clock
    timeout: timedelta

    async def on_callback_requested(self, delivery: Delivery[CallbackRequested]) -> None:
        """Call back; a receiver that is gone for good (410) is not called again."""
        event = delivery.event
        try:
            await self._call(event)
        except CircuitOpen as error:
            raise self._again(event, str(error), timedelta(seconds=error.rest_seconds)) from error
        except PlatformError as error:
            if error.detail.code == GONE:
                CALLBACKS.labels("gone").inc()
                log.info("callback_gone", callback_id=event.callback_id)
            elif error.detail.code in HOPELESS:
                CALLBACKS.labels("given_up").inc()
                raise Park(f"callback: {error.detail.message}") from error
            else:
                raise self._again(event, error.detail.message, error.retry_after or FIRST_WAIT) from error
        else:
            CALLBACKS.labels("taken").inc()
            log.info("called_back", callback_id=event.callback_id, fact=event.fact)

    async def _call(self, event: CallbackRequested) -> None:
        body, now = body_of(event), self.clock.now()
        headers = signature_headers(self.keys, event.callback_id, body, now) | {"content-type": "application/json"}
        turn, seconds = self.breakers.turn(host_of(event.url)), self.timeout.total_seconds()
        async with turn, network_failures(), AwakeTimeout(seconds):
            request = self.client.build_request("POST", event.url, content=body, headers=headers)
            await exchange(self.client, request, now, RECEIVER)

    def _again(self, event: CallbackRequested, reason: str, asked_for: timedelta) -> TryAgain | Park:
        wait = next_wait(event, self.clock.now(), at_least=asked_for)
        CALLBACKS.labels("given_up" if wait is None else "tried_again").inc()
        log.info("callback_failed", callback_id=event.callback_id, reason=reason, again_in=wait and str(wait))
        return Park(f"callback given up after a day: {reason}") if wait is None else TryAgain(wait)
