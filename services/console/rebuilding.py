"""Rebuilding the read model from what the services tell of their state."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import structlog
from pydantic import ValidationError

from services.console.domain.accounts import Account, Connection, Link, Token
from services.console.domain.post_facts import SAID, posts_in
from services.console.domain.posts import Content, Plan, Post, Standing
from services.console.read_model.rows import row_of_connection
from services.console.read_model.words import row_of_words
from services.console.store import Changes, Store
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
        outcomes, other_facts = _read(told.facts)
        await self._learn_posts(told.schedules, outcomes)
        connections = [row_of_connection(_request_id(one), one, self.clock.now()) for one in told.accounts]
        await self.store.apply(Changes(accounts=list(map(_account, told.accounts)), connections=connections))
        for account in told.rules:
            await self.store.account_rules.learn(account.account_id, account.rules, account.changed_at)
        for one in told.workspaces:
            await self.store.workspaces.configured(one.workspace, self.clock.now(), has_targets=one.has_targets)
        for fact in other_facts:
            await self.reactions[type(fact.event)](fact)
        if told.open_alerts:
            await self.store.alerts.only_open(told.open_alerts, self.clock.now())
        await self.store.tellings.read(told, self.clock.now())

    async def on_rebuild_answered(self, delivery: Delivery[ConsoleRebuildAnswered]) -> None:
        """A service has told everything; which of its parts have been read is another matter."""
        now = self.clock.now()
        await self.store.tellings.answered(delivery.event, delivery.correlation_id, now)
        await self.store.apply(Changes(journal=entries_of(delivery, now)))

    async def _learn_posts(self, schedules: Sequence[ScheduleTold], outcomes: Sequence[Post]) -> None:
        """What is told of posts, but for those that are over for so long that they have been deleted here."""
        posts = await self.store.deleted_posts.left_out_of([*map(_post, schedules), *outcomes])
        kept, now = {post.key for post in posts}, self.clock.now()
        words = [_words(one, now) for one in schedules if one.request_id and (one.post_id, one.account_id) in kept]
        await self.store.apply(Changes(posts=posts, words=words))


def _delivery(told: FactTold) -> Delivery[Event] | None:
    """The fact that is told, if it can be read."""
    event = EVENTS.get(told.type)
    if event is None:
        log.warning("told_of_an_unknown_fact", type=told.type)
        return None
    try:
        fact = event.model_validate_json(json.dumps(told.body))
    except ValidationError as error:
        log.warning("told_of_an_unreadable_fact", type=told.type, error=str(error))
        return None
    return Delivery(fact, None, told.correlation_id, sent_at=told.changed_at)


def _read(facts: Iterable[FactTold]) -> tuple[list[Post], list[Delivery[Event]]]:
    """What they tell of posts, and those that tell of something else."""
    outcomes: list[Post] = []
    others: list[Delivery[Event]] = []
    for told in facts:
        if fact := _delivery(told):
            posts = posts_in(fact.event, fact.correlation_id)
            outcomes += [replace(post, as_of=told.changed_at) for post in posts]
            others += [] if posts else [fact]
    return outcomes, others


def _post(told: ScheduleTold) -> Post:
    return Post(
        told.post_id,
        told.account_id,
        Standing(Progress(told.state, told.revision), reason=told.reason),
        Plan(told.revision, True, told.publish_at, told.request_id),
        Content(told.revision, told.model_dump_json(include=SAID)),
        told.changed_at,
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
