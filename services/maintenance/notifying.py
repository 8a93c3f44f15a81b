"""Tells people of alerts: each target once, and again after a while where it does not answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from services.maintenance.store import Store
from shared.clocks.clock import Clock
from shared.events.maintenance import AlertRaised
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import Park, TryAgain
from shared.outbound.notify import Message, NotSent, UnknownTarget, fingerprint_of, kind_of

MOST_ATTEMPTS = 10
FIRST_WAIT = timedelta(seconds=5)

log = structlog.get_logger()


class Sends(Protocol):
    """What takes a message to a target; raises NotSent or UnknownTarget."""

    async def send(self, url: str, message: Message) -> None: ...


@dataclass(frozen=True)
class Notifying:
    """Takes alerts to the targets there are."""

    store: Store
    notifier: Sends
    targets: Sequence[str]
    clock: Clock

    async def on_alert_raised(self, delivery: Delivery[AlertRaised]) -> None:
        """Notify each target that has not been; TryAgain while some may still take it, Park once none will."""
        message_id = delivery.message_id or delivery.correlation_id
        tried = await self.store.attempts(message_id)
        failed: dict[str, int] = {}
        for url in dict.fromkeys(self.targets):
            attempts, is_sent = tried.get(fingerprint_of(url), (0, False))
            if not is_sent and not await self._notify(url, delivery.event, message_id, attempts + 1):
                failed[url] = attempts + 1
        waiting = [attempts for attempts in failed.values() if attempts < MOST_ATTEMPTS]
        if waiting:
            raise TryAgain(wait_after(min(waiting)))
        if failed:
            kinds = ", ".join(kind_of(url) for url in failed)
            raise Park(f"not told after {MOST_ATTEMPTS} attempts: {kinds}")

    async def _notify(self, url: str, alert: AlertRaised, message_id: str, attempt: int) -> bool:
        if attempt > MOST_ATTEMPTS:
            return False
        try:
            await self.notifier.send(url, message_of(alert, self.clock.now()))
        except (NotSent, UnknownTarget) as error:
            log.warning("alert_not_told", code=alert.code, subject=alert.subject, attempt=attempt, error=str(error))
            is_sent = False
        else:
            is_sent = True
        target = fingerprint_of(url)
        await self.store.save_attempt(message_id, target, attempt, is_sent=is_sent, now=self.clock.now())
        return is_sent


def wait_after(attempts: int) -> timedelta:
    """5 s, 10 s, 20 s … after so many attempts."""
    return FIRST_WAIT * (1 << (attempts - 1))


def message_of(alert: AlertRaised, now: datetime) -> Message:
    """An alert as a person reads it."""
    word = "resolved" if alert.state == "resolved" else alert.severity
    text = f"{alert.message}\n\n{alert.code} · {alert.subject} · {now:%Y-%m-%d %H:%M} UTC"
    return Message(f"Timeball {word}: {alert.code} ({alert.subject})", text)
