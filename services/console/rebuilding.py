"""Rebuilding the read model from what the services tell of their state."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import structlog
from pydantic import ValidationError

from services.console.domain.accounts import Account, Connection, Link, Token
from services.console.domain.posts import Content, Plan, Post, Standing
from services.console.read_model.words import row_of_words
from services.console.store import Changes, Row, Store
from services.console.streaming.journal import entries_of
from shared.clocks.clock import Clock
from shared.events import EVENTS, Event
from shared.events.progress import Progress
from shared.events.rebuilding import (
    AccountTold,
    ConsoleRebuildAnswered,
    ConsoleRebuildRequested,
    FactTold,
    ScheduleTold,
    StateTold,
)
from shared.messaging.envelope import Delivery
from shared.messaging.settlement import Handler

_SAID = {"content", "media", "options", "late_policy", "retry", "callback_url"}

log = structlog.get_logger()


@dataclass(frozen=True)
class Rebuilding:
    """Learns what is told of a service's state; whatever is known to be newer stays."""

    store: Store
    reactions: Mapping[type[Event], Handler]
    clock: Clock

    async def on_rebuild_requested(self, delivery: Delivery[ConsoleRebuildRequested]) -> None:
        """All services are asked for their state."""
        now = self.clock.now()
        await self.store.tellings.asked(delivery.correlation_id, now)
        await self.store.apply(Changes(journal=entries_of(delivery, now)))

    async def on_state_told(self, delivery: Delivery[StateTold]) -> None:
        """A part of what a service keeps; the same part again changes nothing."""
        told = delivery.event
        await self.store.apply(
            Changes(
                posts=[_post(one) for one in told.schedules],
                accounts=[_account(one) for one in told.accounts],
                connections=list(self._connections(told)),
                words=[_words(one, self.clock.now()) for one in told.schedules if one.request_id],
            )
        )
        for account in told.rules:
            await self.store.account_rules.learn(account.account_id, account.rules, account.changed_at)
        for one in told.workspaces:
            await self.store.workspaces.configured(one.workspace, self.clock.now(), has_targets=one.has_targets)
        for fact in told.facts:
            await self._learn_fact(fact)
        await self.store.tellings.read(told, self.clock.now())

    async def on_rebuild_answered(self, delivery: Delivery[ConsoleRebuildAnswered]) -> None:
        """A service has told everything; which of its parts have been read is another matter."""
        now = self.clock.now()
        await self.store.tellings.answered(delivery.event, delivery.correlation_id, now)
        await self.store.apply(Changes(journal=entries_of(delivery, now)))

    def _connections(self, told: StateTold) -> Iterator[Row]:
        for one in told.accounts:
            yield {
                "request_id": _request_id(one),
                "account_id": one.account_id,
                "platform": one.platform,
                "settings": json.dumps(one.settings, ensure_ascii=False),
                "limits": one.limits.model_dump_json(exclude_none=True) if one.limits else None,
                "seen_at": self.clock.now(),
            }

    async def _learn_fact(self, told: FactTold) -> None:
        event = EVENTS.get(told.type)
        if event is None:
            log.warning("told_of_an_unknown_fact", type=told.type)
            return
        try:
            fact = event.model_validate_json(json.dumps(told.body))
        except ValidationError as error:
            log.warning("told_of_an_unreadable_fact", type=told.type, error=str(error))
            return
        await self.reactions[event](Delivery(fact, None, told.correlation_id))


def _post(told: ScheduleTold) -> Post:
    return Post(
        told.post_id,
        told.account_id,
        Standing(Progress(told.state, told.revision), reason=told.reason),
        Plan(told.revision, True, told.publish_at, told.request_id),
        Content(told.revision, told.model_dump_json(include=_SAID)),
    )


def _words(told: ScheduleTold, now: datetime) -> dict[str, Any]:
    return row_of_words(
        str(told.request_id), told.post_id, {"account_id": told.account_id, "content": told.content}, now
    )


def _account(told: AccountTold) -> Account:
    return Account(
        told.account_id,
        Link(told.changed_at, told.is_connected, told.platform),
        Token(told.changed_at, told.token_expires_at, told.needs_reconnect),
        connection=Connection(told.changed_at, _request_id(told)),
    )


def _request_id(told: AccountTold) -> str:
    """Under which the settings are found: the request that connected the account is not kept by anybody."""
    return str(uuid5(NAMESPACE_URL, f"{told.account_id}/{told.changed_at.isoformat()}"))
