"""The projector: turns every event that passes by into what the console knows."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from services.console.domain.accounts import account_in
from services.console.domain.post_facts import posts_in
from services.console.read_model.job_history import JobFact
from services.console.read_model.rows import row_of_connection
from services.console.read_model.timeline import happenings_in
from services.console.read_model.words import row_of_words
from services.console.read_model.workspaces import Decision, mention_row
from services.console.store import Changes, Row, Store
from services.console.streaming.journal import entries_of
from shared.clocks.clock import Clock
from shared.events import Event
from shared.events.base import MOST_OF_AN_ID
from shared.events.dead_letters import DeadLetterParked
from shared.events.maintenance import AlertRaised, ServiceReported
from shared.events.monitor import DigestSent, MentionFound
from shared.events.publisher import AccountConnected, AccountDisconnected
from shared.events.requests import (
    AccountConnectRequested,
    ScheduleBatchRequested,
    ScheduleRequested,
    WorkspaceConfigured,
)
from shared.events.scheduler import (
    RejectedPost,
    ScheduleBatchSettled,
    ScheduleRejected,
    TimerConfigured,
    TimerFired,
)
from shared.messaging.envelope import Delivery


@dataclass(frozen=True)
class Projector:
    """Learns from events; the same event twice, or late, changes nothing."""

    store: Store
    clock: Clock

    async def on_post_fact(self, delivery: Delivery[Any]) -> None:
        """How far a post has come."""
        posts = posts_in(delivery.event, delivery.correlation_id)
        await self._learn(delivery, posts=posts, happenings=self._happenings(delivery))

    async def on_batch_settled(self, delivery: Delivery[ScheduleBatchSettled]) -> None:
        """What became of each post of a batch."""
        posts = posts_in(delivery.event, delivery.correlation_id)
        rejections = list(self._rejections(delivery, delivery.event.rejected))
        await self._learn(delivery, posts=posts, rejections=rejections, happenings=self._happenings(delivery))

    async def on_rejected(self, delivery: Delivery[ScheduleRejected]) -> None:
        """Why a post was not taken."""
        await self._learn(delivery, rejections=list(self._rejections(delivery, [delivery.event])))

    async def on_schedule_requested(self, delivery: Delivery[ScheduleRequested]) -> None:
        """What a post is to say, should it be accepted."""
        draft = _draft(delivery, 0, delivery.event.post_id, delivery.event.body().decode(), self.clock.now())
        await self._learn(delivery, drafts=[draft], words=[words_of(draft)])

    async def on_batch_requested(self, delivery: Delivery[ScheduleBatchRequested]) -> None:
        """What the posts of a batch are to say."""
        drafts = list(_drafts(delivery, self.clock.now()))
        await self._learn(delivery, drafts=drafts, words=list(map(words_of, drafts)))

    async def on_asked_of_a_post(self, delivery: Delivery[Any]) -> None:
        """What a person asks for a post that is known: it stands in its timeline."""
        await self._learn(delivery, happenings=self._happenings(delivery))

    async def on_account_fact(self, delivery: Delivery[Any]) -> None:
        """Whether an account is connected, and for how long."""
        account = account_in(delivery.event, delivery.correlation_id, self.clock.now())
        if isinstance(delivery.event, AccountConnected | AccountDisconnected):
            await self.store.account_rules.learn_from(delivery.event, self.clock.now())
        await self._learn(delivery, accounts=[account] if account else [])

    async def on_connect_requested(self, delivery: Delivery[AccountConnectRequested]) -> None:
        """The settings an account is to have; its credentials are left where they are."""
        connection = row_of_connection(delivery.request_id, delivery.event, self.clock.now())
        await self._learn(delivery, connections=[connection])

    async def on_timer_configured(self, delivery: Delivery[TimerConfigured]) -> None:
        """How a timer ticks."""
        await self.store.timers.configured(delivery.event)
        await self._learn(delivery)

    async def on_timer_fired(self, delivery: Delivery[TimerFired]) -> None:
        """When a timer fired last."""
        await self.store.timers.fired(delivery.event)
        await self._learn(delivery)

    async def on_workspace_configured(self, delivery: Delivery[WorkspaceConfigured]) -> None:
        """What a workspace is to be; its targets are left where they are."""
        await self.store.workspaces.configured(delivery.event, self.clock.now())
        await self._learn(delivery)

    async def on_workspace_decided(self, delivery: Delivery[Decision]) -> None:
        """Whether a workspace is watched as it was asked for, or is there at all."""
        await self.store.workspaces.decided(delivery.event, self.clock.now())
        await self._learn(delivery)

    async def on_mention_found(self, delivery: Delivery[MentionFound]) -> None:
        """What was found for a workspace."""
        await self._learn(delivery, mentions=[mention_row(delivery.event, self.clock.now())])

    async def on_digest_sent(self, delivery: Delivery[DigestSent]) -> None:
        """That a workspace has got the digest of a day."""
        await self.store.workspaces.digest_sent(delivery.event, self.clock.now())
        await self._learn(delivery)

    async def on_service_reported(self, delivery: Delivery[ServiceReported]) -> None:
        """How a process is, and what it consumes."""
        await self.store.service_reports.learn(delivery.event, self.clock.now())
        await self._learn(delivery)

    async def on_alert_raised(self, delivery: Delivery[AlertRaised]) -> None:
        """Something that should not be, or the end of it."""
        now = self.clock.now()
        await self.store.alerts.learn(delivery.event, min(delivery.sent_at or now, now), now)
        await self._learn(delivery)

    async def on_job_run(self, delivery: Delivery[JobFact]) -> None:
        """What becomes of a tick of a timer."""
        await self.store.job_history.learn(delivery.event, self.clock.now())
        await self._learn(delivery)

    async def on_dead_letter_parked(self, delivery: Delivery[DeadLetterParked]) -> None:
        """A message that a service could not handle."""
        await self.store.dead_letters.parked(delivery.event, self.clock.now())
        await self._learn(delivery)

    async def on_dead_letters_settled(self, delivery: Delivery[Any]) -> None:
        """Dead letters that rest no more."""
        await self.store.dead_letters.settled(delivery.event, self.clock.now())
        await self._learn(delivery)

    async def on_other(self, delivery: Delivery[Event]) -> None:
        """Nothing the read model holds but that it happened."""
        await self._learn(delivery)

    async def _learn(self, delivery: Delivery[Any], **learned: Sequence[Any]) -> None:
        """Keep what the event tells, and last or in the same transaction the event in the journal: whoever hears it
        from there finds it told."""
        await self.store.apply(Changes(journal=entries_of(delivery, self.clock.now()), **learned))

    def _happenings(self, delivery: Delivery[Any]) -> list[Row]:
        return list(happenings_in(delivery, self.clock.now()))

    def _rejections(self, delivery: Delivery[Any], rejected: Any) -> Iterator[Row]:
        for position, rejection in enumerate(rejected):
            yield _rejection(delivery, position, rejection, self.clock.now())


def _rejection(
    delivery: Delivery[Any], position: int, rejection: ScheduleRejected | RejectedPost, now: datetime
) -> Row:
    return {
        "message_id": delivery.message_id or delivery.correlation_id,
        "position": position,
        "post_id": rejection.post_id,
        "account_id": rejection.account_id,
        "code": rejection.code,
        "reason": rejection.reason,
        "seen_at": now,
    }


def _drafts(delivery: Delivery[ScheduleBatchRequested], now: datetime) -> Iterator[Row]:
    for position, post in enumerate(delivery.event.posts):
        post_id = _post_id(post)
        if post_id:
            yield _draft(delivery, position, post_id, json.dumps(post, ensure_ascii=False), now)


def words_of(draft: Row) -> Row:
    """By which words a post is found, should its draft be accepted."""
    return row_of_words(draft["request_id"], draft["post_id"], json.loads(draft["body"]), draft["seen_at"])


def _post_id(post: JsonValue) -> str | None:
    """The id of a post that nobody has validated yet; without a usable one it will be rejected."""
    post_id = post.get("post_id") if isinstance(post, dict) else None
    return post_id if isinstance(post_id, str) and "\x00" not in post_id and len(post_id) <= MOST_OF_AN_ID else None


def _draft(delivery: Delivery[Any], position: int, post_id: str, body: str, now: datetime) -> Row:
    return {
        "request_id": delivery.request_id,
        "post_id": post_id,
        "position": position,
        "body": body,
        "seen_at": now,
    }
