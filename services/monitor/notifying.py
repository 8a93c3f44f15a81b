"""Notifying: each mention or digest told to each target once; what may have arrived is never sent again.

A digest that is too long for its target is sent in parts, each a notification of its own that asks for the next one.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter

from services.monitor.checking import requests
from services.monitor.domain import Notification, State, wait_before
from services.monitor.store import Store, notification
from services.monitor.workspaces import target_named
from services.monitor.writing import Digest, digest_messages, mention_message
from shared.clocks.clock import Clock
from shared.events.monitor import NotificationRequested
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import Park, TryAgain
from shared.outbound.targets import (
    SEND_SECONDS,
    Form,
    Message,
    NoTarget,
    Outcome,
    Refused,
    Sent,
    Targets,
    Unconfirmed,
)
from shared.secrets.vault import UnreadableSecret, Vault

LEASE = timedelta(seconds=2 * SEND_SECONDS)
MOST_IN_A_DIGEST = 5_000
"""Mentions of a day that are read; how many more there are is said in the digest."""
DIED = "the process that sent it ended meanwhile"
NOTIFICATIONS = Counter("timeball_notifications_total", "What became of notifications", ["outcome"])

log = structlog.get_logger()


class NothingToTell(Exception):
    """What was to be told, or whom, is no longer there."""


class NobodyToTell(Exception):
    """The workspace was removed, and with it everybody who was to be told."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notification to be sent, or one whose sender died (`is_lost`), of which nobody knows whether it arrived."""

    notification: Notification
    is_lost: bool = False


@dataclass(frozen=True)
class Notifying:
    """Sends notifications. A row says how far each has come, written before the send and after it."""

    store: Store
    targets: Targets
    vault: Vault
    clock: Clock
    queue: str

    async def on_notification_requested(self, delivery: Delivery[NotificationRequested]) -> None:
        """Tell the target, unless it has been told or may have been."""
        claimed = await self._claim(delivery.event.delivery_id)
        if claimed is None:
            return
        try:
            url = await self._url(claimed.notification)
            messages = await self._messages(claimed.notification, self.targets.form_of(url))
        except NobodyToTell:
            await self._let_go(claimed.notification)
            return
        except (NothingToTell, NoTarget) as error:
            nothing = Unconfirmed(DIED) if claimed.is_lost else Refused(str(error), for_good=True)
            await self._settle(claimed.notification, nothing, None, delivery.correlation_id)
            return
        outcome = await self._outcome(claimed, url, messages)
        following = _following(claimed.notification, len(messages), self.clock.now())
        await self._settle(claimed.notification, outcome, following, delivery.correlation_id)

    async def _claim(self, delivery_id: str) -> Claimed | None:
        now = self.clock.now()
        async with self.store.unit() as unit:
            known = await unit.notification(delivery_id)
            if known is None:
                raise Park(f"notification {delivery_id!r} is not known")
            if known.state == State.SENT:
                return None
            if known.state == State.UNKNOWN:
                raise _may_have_arrived(known)
            if known.state == State.SENDING:
                if known.lease_until and now < known.lease_until <= now + LEASE:  # a longer one had a wrong clock
                    raise TryAgain(known.lease_until - now)
                return Claimed(known, is_lost=True)
            claimed = _begun(known, now)
            await unit.save_notification(claimed)
            return Claimed(claimed)

    async def _outcome(self, claimed: Claimed, url: str, messages: list[Message]) -> Outcome:
        if claimed.is_lost:
            return Unconfirmed(DIED)
        return await self.targets.tell(url, messages[claimed.notification.part - 1])

    async def _url(self, notification: Notification) -> str:
        """The target as it is now."""
        kept = await self.store.targets(notification.workspace_id)
        if kept is None:
            raise NobodyToTell
        try:
            url = target_named(notification.target_id, *kept, self.vault)
        except UnreadableSecret as error:
            raise NothingToTell(f"the workspace's targets: {error}; configure it again") from error
        if url is None:
            raise NothingToTell("the workspace has this target no longer")
        return url

    async def _messages(self, notification: Notification, form: Form) -> list[Message]:
        """Everything that the target is told, in as many messages as it takes."""
        messages = await self._composed(notification, form)
        if len(messages) < notification.part:
            raise NothingToTell("what was to be told is no longer kept")
        return messages

    async def _composed(self, notification: Notification, form: Form) -> list[Message]:
        workspace_id, day = notification.workspace_id, notification.day or ""
        if notification.item_id:
            mention = await self.store.mention(workspace_id, notification.item_id)
            return [mention_message(mention, form)] if mention else []
        mentions = await self.store.digest(workspace_id, day, most=MOST_IN_A_DIGEST)
        total = await self.store.digest_size(workspace_id, day)
        return digest_messages(Digest(workspace_id, day, mentions, total), form) if mentions else []

    async def _let_go(self, notification: Notification) -> None:
        """Nobody waits for it any more: it is no dead letter that somebody had to look at."""
        ended = _ended(notification, State.FAILED, "the workspace was removed", self.clock.now())
        async with self.store.unit() as unit:
            await unit.save_notification(ended)
        log.info("notification_settled", state=ended.state, attempt=ended.attempts, error=ended.error, **_named(ended))

    async def _settle(
        self, sent: Notification, outcome: Outcome, following: Notification | None, correlation_id: str
    ) -> None:
        """Write what became of it; the next part is asked for as soon as this one will not be sent again."""
        now = self.clock.now()
        wait = wait_before(sent.attempts + 1)
        ended = _after(sent, outcome, may_go_on=wait is not None, now=now)
        is_over = ended.state in (State.SENT, State.UNKNOWN)
        async with self.store.unit() as unit:
            await unit.save_notification(ended)
            to_send = await unit.add_notifications([following] if following and is_over else [])
            await unit.emit(requests(to_send, self.queue, correlation_id))
        NOTIFICATIONS.labels(ended.state).inc()
        log.info("notification_settled", state=ended.state, attempt=ended.attempts, error=ended.error, **_named(ended))
        if ended.state == State.PENDING and wait:
            raise TryAgain(wait)
        if ended.state == State.UNKNOWN:
            raise _may_have_arrived(ended)
        if ended.state == State.FAILED:
            raise Park(f"not told after {ended.attempts} attempts: {ended.error}")


def _following(told: Notification, parts: int, now: datetime) -> Notification | None:
    """The next part of the digest, if there is one."""
    if told.part >= parts:
        return None
    return notification(told.workspace_id, told.target_id, now, day=told.day, part=told.part + 1)


def _begun(notification: Notification, now: datetime) -> Notification:
    """Another attempt; after a replay they are counted from the beginning."""
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


def _named(notification: Notification) -> dict[str, str | int | None]:
    return {
        "workspace_id": notification.workspace_id,
        "target_id": notification.target_id,
        "item_id": notification.item_id,
        "day": notification.day,
        "part": notification.part,
    }
