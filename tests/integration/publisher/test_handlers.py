"""The wishes of people, at their database: what is kept, what is told, and what is refused."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from services.publisher.revoked import Revoked
from sqlalchemy import select

from services.publisher.domain import MAX_ATTEMPTS, Publication
from services.publisher.handlers import Handlers
from services.publisher.store import Store
from services.publisher.tables import outbox
from shared.events import Event
from shared.events.progress import State
from shared.events.requests import (
    PublishResolveRequested,
    PublishRetryRequested,
)
from shared.events.scheduler import ScheduleCancelled
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import Park
from tests.fakes.clock import FakeClock
from tests.support.publications import NOON, a_publication

KEY = ("post", "account")
QUEUE = "publisher.requests"


@dataclass
class Desk:
    """The publisher's handlers at a database."""

    store: Store
    handlers: Handlers

    @classmethod
    def at(cls, store: Store) -> "Desk":
        return cls(store, Handlers(store, FakeClock(NOON), Revoked(), QUEUE))

    async def having(self, **changes: Any) -> "Desk":
        async with self.store.unit() as unit:
            await unit.save([a_publication(**changes)])
        return self

    async def kept(self) -> Publication:
        async with self.store.unit() as unit:
            return (await unit.publications([KEY]))[KEY]

    async def told(self) -> list[tuple[str, dict[str, Any]]]:
        async with self.store.unit() as unit:
            rows = await unit.connection.execute(select(outbox.c.type, outbox.c.body).order_by(outbox.c.created_at))
            return [(row.type, json.loads(row.body)) for row in rows]


def delivery(event: Any, message_id: str | None = "message") -> Delivery[Any]:
    return Delivery(event, message_id, "correlation")


def retry() -> PublishRetryRequested:
    return PublishRetryRequested(post_id="post", account_id="account")


def resolve(outcome: str, platform_post_id: str | None = None) -> PublishResolveRequested:
    return PublishResolveRequested.model_validate(
        {"post_id": "post", "account_id": "account", "outcome": outcome, "platform_post_id": platform_post_id}
    )


@pytest.mark.parametrize("state", [State.FAILED, State.HELD, State.SKIPPED])
async def test_a_retry_revives_the_post_and_sends_its_request_again(store: Store, state: State) -> None:
    desk = await Desk.at(store).having(state=state, attempts=3, outcome="{}", claim_token=None)

    await desk.handlers.on_publish_retry_requested(delivery(retry()))

    kept = await desk.kept()
    assert (kept.state, kept.attempts_allowed, kept.not_before) == (State.RETRYING, 3 + MAX_ATTEMPTS, NOON)
    ((kind, request),) = await desk.told()
    assert (kind, request["post_id"], request["revision"]) == ("publish.requested", "post", 1)
    async with store.unit() as unit:
        address = (await unit.connection.execute(select(outbox.c.exchange, outbox.c.routing_key))).one()
    assert tuple(address) == ("", QUEUE)


@pytest.mark.parametrize("event", [retry(), resolve("published")], ids=["retry", "resolve"])
async def test_a_wish_that_arrives_twice_is_carried_out_once(store: Store, event: Event) -> None:
    state = State.FAILED if isinstance(event, PublishRetryRequested) else State.UNKNOWN
    desk = await Desk.at(store).having(state=state, attempts=1, outcome="{}", claim_token=None)

    for _ in range(2):
        if isinstance(event, PublishRetryRequested):
            await desk.handlers.on_publish_retry_requested(delivery(event))
        else:
            await desk.handlers.on_publish_resolve_requested(delivery(event))

    assert len(await desk.told()) == 1


@pytest.mark.parametrize("state", [State.PUBLISHED, State.UNKNOWN, State.SENDING, State.RETRYING])
async def test_only_what_has_ended_unpublished_is_revived(store: Store, state: State) -> None:
    desk = await Desk.at(store).having(state=state)

    with pytest.raises(Park, match=f"is {state}, not failed or held or skipped"):
        await desk.handlers.on_publish_retry_requested(delivery(retry()))

    assert (await desk.kept()).state == state


async def test_a_refused_wish_counts_as_new_when_it_is_replayed(store: Store) -> None:
    desk = Desk.at(store)
    with pytest.raises(Park, match="has not come to the publisher"):
        await desk.handlers.on_publish_retry_requested(delivery(retry()))
    await desk.having(state=State.HELD, claim_token=None)

    await desk.handlers.on_publish_retry_requested(delivery(retry()))

    assert (await desk.kept()).state == State.RETRYING


@pytest.mark.parametrize(
    ("outcome", "state", "fact"),
    [
        ("published", State.PUBLISHED, "publish.succeeded"),
        ("not_published", State.FAILED, "publish.failed"),
    ],
)
async def test_an_unknown_outcome_is_settled_as_a_person_found_it(
    store: Store, outcome: str, state: State, fact: str
) -> None:
    desk = await Desk.at(store).having(state=State.UNKNOWN, attempts=1, outcome="{}", claim_token=None)

    await desk.handlers.on_publish_resolve_requested(delivery(resolve(outcome, "seen")))

    assert (await desk.kept()).state == state
    ((kind, body),) = await desk.told()
    assert kind == fact
    assert body.get("platform_post_id") == ("seen" if outcome == "published" else None)


@pytest.mark.parametrize("state", [State.PUBLISHED, State.FAILED, State.SENDING])
async def test_only_an_unknown_outcome_is_settled_by_a_person(store: Store, state: State) -> None:
    desk = await Desk.at(store).having(state=state)

    with pytest.raises(Park, match=f"is {state}, not unknown"):
        await desk.handlers.on_publish_resolve_requested(delivery(resolve("published")))


@pytest.mark.parametrize(("reason", "kept"), [("superseded", "superseded"), ("requested", "cancelled")])
async def test_a_cancellation_is_kept_and_heard(store: Store, reason: str, kept: str) -> None:
    desk = Desk.at(store)
    cancelled = delivery(ScheduleCancelled(post_id="post", account_id="account", revision=2, reason=reason))

    await desk.handlers.on_schedule_cancelled(cancelled)
    await desk.handlers.hear_schedule_cancelled(cancelled)

    async with store.unit() as unit:
        tombstone = (await unit.tombstones([KEY]))[KEY]
    assert (tombstone.revision, tombstone.reason) == (2, kept)
    assert desk.handlers.revoked.reason(a_publication(revision=2)) == kept
