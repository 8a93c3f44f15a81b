"""Tells people of alerts: each target once, and again after a while where it is not known to have it.

An alert that may have arrived is sent again, for twice is better than never.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from services.maintenance.store import Store
from shared.clocks.clock import Clock
from shared.events.maintenance import AlertRaised
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import Park, TryAgain
from shared.outbound.targets import Message, Outcome, Refused, Sent, fingerprint_of, kind_of

MOST_ATTEMPTS = 10
FIRST_WAIT = timedelta(seconds=5)

log = structlog.get_logger()


class Tells(Protocol):
    """What takes a message to a target."""

    async def tell(self, url: str, message: Message) -> Outcome: ...


@dataclass(frozen=True)
class Notifying:
    """Takes alerts to the targets there are."""

    store: Store
    targets: Tells
    urls: Sequence[str]
    clock: Clock
    now: Callable[[], Awaitable[datetime]]
    """By the clock by which alerts are raised."""

    async def on_alert_raised(self, delivery: Delivery[AlertRaised]) -> None:
        """Notify each target that has not been; TryAgain while some may still take it, Park once none will.

        What is no longer so when it is tried again is not told: what is so now has been raised as well.
        """
        message_id, alert = delivery.message_id or delivery.correlation_id, delivery.event
        tried = await self.store.attempts(message_id)
        if tried and await self._is_overtaken(alert, max(one.tried_at for one in tried.values())):
            log.info("alert_overtaken", code=alert.code, subject=alert.subject, state=alert.state)
            return
        message = message_of(alert, delivery.sent_at or self.clock.now())
        failed: dict[str, int] = {}
        for url in dict.fromkeys(self.urls):
            before = tried.get(fingerprint_of(url))
            attempts, is_sent = (before.attempts, before.is_sent) if before else (0, False)
            if not is_sent and attempts < MOST_ATTEMPTS:
                attempts, is_sent = await self._notify(url, alert, message, message_id, attempts + 1)
            if not is_sent:
                failed[url] = attempts
        waiting = [attempts for attempts in failed.values() if attempts < MOST_ATTEMPTS]
        if waiting:
            raise TryAgain(wait_after(min(waiting)))
        if failed:
            raise Park(f"given up: {', '.join(map(kind_of, failed))}; the log says what each target answered")

    async def tell_directly(self, alert: AlertRaised) -> bool:
        """Tell every target once, without the broker; whether one of them has it, or there is none."""
        message = message_of(alert, self.clock.now())
        outcomes = [(url, await self.targets.tell(url, message)) for url in dict.fromkeys(self.urls)]
        for url, outcome in outcomes:
            if not isinstance(outcome, Sent):
                _log_not_told(url, alert, outcome.reason, 1)
        return not outcomes or any(isinstance(outcome, Sent) for _, outcome in outcomes)

    async def _is_overtaken(self, alert: AlertRaised, tried_at: datetime) -> bool:
        """Whether it is over, or raised again, since this was tried."""
        raised_at = await self.store.raised_at(alert.code, alert.subject)
        if raised_at is None or alert.state == "resolved":
            return (raised_at is None) is (alert.state == "raised")
        return raised_at > tried_at

    async def _notify(
        self, url: str, alert: AlertRaised, message: Message, message_id: str, attempt: int
    ) -> tuple[int, bool]:
        """The attempts so far, and whether the target has it; what it refuses for good uses up every attempt."""
        tried_at, outcome = await self.now(), await self.targets.tell(url, message)
        is_sent, attempts = isinstance(outcome, Sent), attempt
        if not isinstance(outcome, Sent):
            attempts = MOST_ATTEMPTS if isinstance(outcome, Refused) and outcome.for_good else attempt
            _log_not_told(url, alert, outcome.reason, attempt)
        await self.store.save_attempt(message_id, fingerprint_of(url), attempts, is_sent=is_sent, tried_at=tried_at)
        return attempts, is_sent


def _log_not_told(url: str, alert: AlertRaised, reason: str, attempt: int) -> None:
    log.warning(
        "alert_not_told", kind=kind_of(url), code=alert.code, subject=alert.subject, attempt=attempt, error=reason
    )


def wait_after(attempts: int) -> timedelta:
    """5 s, 10 s, 20 s … after so many attempts."""
    return FIRST_WAIT * (1 << (attempts - 1))


def message_of(alert: AlertRaised, at: datetime) -> Message:
    """An alert as a person reads it, with the instant at which it was told of."""
    word = "resolved" if alert.state == "resolved" else alert.severity
    text = f"{alert.message}\n\n{alert.code} · {alert.subject} · {at:%Y-%m-%d %H:%M} UTC"
    if alert.since:
        text += f", first seen {alert.since:%Y-%m-%d %H:%M} UTC"
    return Message(f"Timeball {word}: {alert.code} ({alert.subject})", text)
