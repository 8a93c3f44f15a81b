"""Notifying: each mention or digest told to each target once; what may have arrived is never sent again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter

from services.monitor.domain import Notification, State, wait_before
from services.monitor.store import Store
from services.monitor.targets import SEND_SECONDS, Message, Outcome, Refused, Sent, Targets, Unconfirmed
from services.monitor.workspaces import target_named
from services.monitor.writing import MOST_IN_A_DIGEST, digest_message, mention_message
from shared.clocks.clock import Clock
from shared.events.monitor import NotificationRequested
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import Park, TryAgain
from shared.secrets.vault import UnreadableSecret, Vault

LEASE = timedelta(seconds=2 * SEND_SECONDS)
NOTIFICATIONS = Counter("timeball_notifications_total", "What became of notifications", ["outcome"])

log = structlog.get_logger()


@dataclass(frozen=True)
class Notifying:
    """Sends notifications. A row says how far each has come, written before the send and after it."""

    store: Store
    targets: Targets
    vault: Vault
    clock: Clock

    async def on_notification_requested(self, delivery: Delivery[NotificationRequested]) -> None:
        """Tell the target, unless it has been told or may have been."""
        claimed = await self._claim(delivery.event.delivery_id)
        if claimed:
            await self._settle(claimed, await self._tell(claimed))

    async def _claim(self, delivery_id: str) -> Notification | None:
        now = self.clock.now()
        async with self.store.unit() as unit:
            known = await unit.notification(delivery_id)
            if known is None:
                raise Park(f"notification {delivery_id!r} is not known")
            if known.state == State.SENT:
                return None
            if known.state in (State.PENDING, State.FAILED):
                claimed = _begun(known, now)
                await unit.save_notification(claimed)
                return claimed
            if known.state == State.SENDING and known.lease_until and known.lease_until > now:
                raise TryAgain(known.lease_until - now)
            given_up = _ended(known, State.UNKNOWN, known.error or "the process that sent it ended meanwhile", now)
            await unit.save_notification(given_up)
        raise _may_have_arrived(given_up)

    async def _tell(self, notification: Notification) -> Outcome:
        """Send it to the target as that is now."""
        kept = await self.store.targets(notification.workspace_id)
        try:
            url = target_named(notification.target_id, *kept, self.vault) if kept else None
        except UnreadableSecret as error:
            return Refused(f"the workspace's targets: {error}; configure it anew", for_good=True)
        if url is None:
            return Refused("the workspace has this target no longer", for_good=True)
        message = await self._message(notification)
        if message is None:
            return Refused("what was to be told is no longer kept", for_good=True)
        return await self.targets.tell(url, message)

    async def _message(self, notification: Notification) -> Message | None:
        if notification.item_id:
            mention = await self.store.mention(notification.workspace_id, notification.item_id)
            return mention_message(mention) if mention else None
        day = notification.day or ""
        mentions = await self.store.digest(notification.workspace_id, day, most=MOST_IN_A_DIGEST)
        return digest_message(day, mentions) if mentions else None

    async def _settle(self, sent: Notification, outcome: Outcome) -> None:
        now = self.clock.now()
        wait = wait_before(sent.attempts + 1)
        ended = _after(sent, outcome, may_go_on=wait is not None, now=now)
        async with self.store.unit() as unit:
            await unit.save_notification(ended)
        NOTIFICATIONS.labels(ended.state).inc()
        log.info("notification_settled", state=ended.state, attempt=ended.attempts, error=ended.error, **_named(ended))
        if ended.state == State.PENDING and wait:
            raise TryAgain(wait)
        if ended.state == State.UNKNOWN:
            raise _may_have_arrived(ended)
        if ended.state == State.FAILED:
            raise Park(f"not told after {ended.attempts} attempts: {ended.error}")


def _begun(notification: Notification, now: datetime) -> Notification:
    """Another attempt; what a person has replayed begins anew."""
    attempts = 0 if notification.state == State.FAILED else notification.attempts
    return replace(
        notification, state=State.SENDING, attempts=attempts + 1, lease_until=now + LEASE, error=None, updated_at=now
    )


def _after(sent: Notification, outcome: Outcome, *, may_go_on: bool, now: datetime) -> Notification:
    match outcome:
        case Sent():
            return _ended(sent, State.SENT, None, now)
        case Unconfirmed(reason):
            return _ended(sent, State.UNKNOWN, reason, now)
        case Refused(reason, for_good):
            return _ended(sent, State.PENDING if may_go_on and not for_good else State.FAILED, reason, now)


def _ended(notification: Notification, state: State, error: str | None, now: datetime) -> Notification:
    return replace(notification, state=state, lease_until=None, error=error, updated_at=now)


def _may_have_arrived(notification: Notification) -> Park:
    log.warning("notification_unknown", error=notification.error, **_named(notification))
    return Park(f"it may have arrived, and is not sent again: {notification.error}")


def _named(notification: Notification) -> dict[str, str | None]:
    return {
        "workspace_id": notification.workspace_id,
        "target_id": notification.target_id,
        "item_id": notification.item_id,
        "day": notification.day,
    }
