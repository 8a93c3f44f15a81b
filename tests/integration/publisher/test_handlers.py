"""The wishes of people, at their database: what is kept, what is told, and what is refused."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from services.publisher.accounts.at_rest import AtRest
from services.publisher.accounts.tokens import Tokens
from services.publisher.app import sending_of
from services.publisher.domain import Publication
from services.publisher.handlers import Handlers
from services.publisher.limits.circuit_breakers import CircuitBreakers
from services.publisher.sending import facts
from services.publisher.sending.evidence import Attempt, Evidence
from services.publisher.settings import Settings
from services.publisher.store import Store
from services.publisher.tables import outbox
from shared.events import Event
from shared.events.base import ErrorDetail
from shared.events.progress import Progress, State, progress_of
from shared.events.publisher import PublishRetrying
from shared.events.requests import (
    PublishResolveRequested,
    PublishRetryRequested,
)
from shared.events.scheduler import PublishWithdrawRequested
from shared.messaging.envelope import Delivery
from shared.secrets.vault import Vault
from tests.fakes.clock import FakeClock
from tests.fakes.platform import FakePlatform
from tests.support.publications import NOON, a_publication, an_attempt, requested

KEY = ("post", "account")
QUEUE = "publisher.requests"


@dataclass
class Desk:
    """The publisher's handlers at a database."""

    store: Store
    handlers: Handlers

    @classmethod
    def at(cls, store: Store) -> "Desk":
        vault = Vault.from_keys(Fernet.generate_key().decode())
        clock = FakeClock(NOON)
        platforms = {"fake": FakePlatform()}
        tokens = Tokens(AtRest(store), platforms, vault, clock, timeout=timedelta(seconds=10))
        settings, breakers = Settings(broker_url="amqp://nobody"), CircuitBreakers(5)
        sending = sending_of(
            settings, store, clock=clock, breakers=breakers, known=platforms, vault=vault, tokens=tokens
        )
        return cls(store, Handlers(store, clock, sending, QUEUE))

    async def having(self, *attempts: Attempt, **changes: Any) -> "Desk":
        async with self.store.unit() as unit:
            await unit.save([a_publication(**changes)])
            await unit.save_attempts(attempts)
        return self

    async def kept(self) -> Publication:
        async with self.store.unit() as unit:
            return (await unit.publications([KEY]))[KEY]

    async def evidence(self) -> list[Evidence]:
        async with self.store.unit() as unit:
            return [attempt.evidence for attempt in (await unit.attempts([KEY]))[KEY]]

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
    desk = await Desk.at(store).having(state=state, tries=3, outcome="{}", claim_token=None)

    await desk.handlers.on_publish_retry_requested(delivery(retry()))

    kept = await desk.kept()
    assert (kept.state, kept.tries, kept.tries_before, kept.not_before) == (State.RETRYING, 3, 3, NOON)
    told = dict(await desk.told())
    assert (told["publish.requested"]["post_id"], told["publish.requested"]["revision"]) == ("post", 1)
    async with store.unit() as unit:
        requests = select(outbox.c.exchange, outbox.c.routing_key).where(outbox.c.type == "publish.requested")
        address = (await unit.connection.execute(requests)).one()
    assert tuple(address) == ("", QUEUE)


@pytest.mark.parametrize("state", [State.FAILED, State.HELD, State.SKIPPED])
async def test_a_retry_is_told_at_once_as_later_than_the_end_before(store: Store, state: State) -> None:
    """Else whoever heard of the end would take it for the latest: it is neither swept nor kept from being purged."""
    desk = await Desk.at(store).having(state=state, tries=3, retries=1, outcome="{}", claim_token=None)

    await desk.handlers.on_publish_retry_requested(delivery(retry()))

    retrying = PublishRetrying.model_validate_json(json.dumps(dict(await desk.told())["publish.retrying"]))
    assert (await desk.kept()).retries == retrying.retries == 2
    progress = progress_of(retrying)
    assert progress is not None
    assert progress.is_beyond(Progress(state, 1, 3, retries=1))


@pytest.mark.parametrize(
    ("event", "told"),
    [(retry(), ["publish.requested", "publish.retrying"]), (resolve("published"), ["publish.succeeded"])],
    ids=["retry", "resolve"],
)
async def test_a_wish_that_arrives_twice_is_carried_out_once(store: Store, event: Event, told: list[str]) -> None:
    state = State.FAILED if isinstance(event, PublishRetryRequested) else State.UNKNOWN
    desk = await Desk.at(store).having(state=state, tries=1, outcome="{}", claim_token=None)

    for _ in range(2):
        if isinstance(event, PublishRetryRequested):
            await desk.handlers.on_publish_retry_requested(delivery(event))
        else:
            await desk.handlers.on_publish_resolve_requested(delivery(event))

    assert sorted(kind for kind, _ in await desk.told()) == told


@pytest.mark.parametrize("state", [State.SENDING, State.RETRYING])
async def test_a_post_that_is_tried_already_is_left_to_that(store: Store, state: State) -> None:
    """Who asks twice, because the console has not heard yet, is no case for the dead letters."""
    desk = await Desk.at(store).having(state=state)

    await desk.handlers.on_publish_retry_requested(delivery(retry()))

    assert (await desk.kept()).state == state
    assert list(await desk.told()) == []


@pytest.mark.parametrize(
    ("state", "code", "reason"),
    [
        (State.PUBLISHED, "already_published", "is published: schedule it under another post_id"),
        (State.UNKNOWN, "already_published", "settle it with publish.resolve_requested first"),
    ],
)
async def test_only_what_has_ended_unpublished_is_revived(store: Store, state: State, code: str, reason: str) -> None:
    desk = await Desk.at(store).having(state=state)

    await desk.handlers.on_publish_retry_requested(delivery(retry()))

    assert (await desk.kept()).state == state
    assert reason in await rejection(desk, code)


async def test_a_refused_wish_counts_as_new_when_it_is_asked_for_again(store: Store) -> None:
    desk = Desk.at(store)
    await desk.handlers.on_publish_retry_requested(delivery(retry()))
    assert "has not come to the publisher" in await rejection(desk, "not_found")
    await desk.having(state=State.HELD, claim_token=None)

    await desk.handlers.on_publish_retry_requested(delivery(retry()))

    assert (await desk.kept()).state == State.RETRYING


async def rejection(desk: Desk, code: str) -> str:
    """Why the request was refused, as the one answer to it says."""
    ((kind, body),) = await desk.told()
    assert (kind, body["post_id"], body["account_id"], body["code"]) == ("schedule.rejected", *KEY, code)
    return str(body["reason"])


@pytest.mark.parametrize(
    ("outcome", "state", "fact", "evidence"),
    [
        ("published", State.PUBLISHED, "publish.succeeded", Evidence.LANDED),
        ("not_published", State.FAILED, "publish.failed", Evidence.DISPROVED),
    ],
)
async def test_an_unknown_outcome_is_settled_as_a_person_found_it(
    store: Store, outcome: str, state: State, fact: str, evidence: Evidence
) -> None:
    tried = an_attempt(Evidence.REFUSED), an_attempt(Evidence.UNKNOWN, number=2)
    desk = await Desk.at(store).having(*tried, state=State.UNKNOWN, tries=2, outcome="{}", claim_token=None)

    await desk.handlers.on_publish_resolve_requested(delivery(resolve(outcome, "seen")))

    assert (await desk.kept()).state == state
    assert await desk.evidence() == [Evidence.REFUSED, evidence]
    ((kind, body),) = await desk.told()
    assert kind == fact
    assert body.get("platform_post_id") == ("seen" if outcome == "published" else None)


async def test_a_post_that_is_withdrawn_twice_is_answered_twice_and_calls_back_once(store: Store) -> None:
    """Its sender may have heard of the withdrawal before, and told of it already."""
    asked = requested().model_copy(update={"callback_url": "https://callbacks.example/"})
    desk = await Desk.at(store).having(request=asked.body().decode())
    withdrawal = PublishWithdrawRequested(post_id="post", account_id="account", revision=1, reason="superseded")

    for message in ("one", "another"):
        await desk.handlers.on_publish_withdraw_requested(delivery(withdrawal, message))

    told = [kind for kind, _ in await desk.told()]
    assert sorted(told) == ["callback.requested", "publish.skipped", "publish.skipped"]


async def test_the_network_is_asked_with_the_doubt_and_its_reason_kept(store: Store) -> None:
    """The request comes again; nobody may take the post for one that is not out, to edit or cancel it."""
    lost = ErrorDetail(kind="unconfirmed", code="no_reply", message="the network did not reply")
    outcome = facts.as_text(facts.unknown(a_publication(tries=3), lost))
    doubt = an_attempt(Evidence.UNKNOWN)
    desk = await Desk.at(store).having(doubt, state=State.UNKNOWN, tries=3, outcome=outcome, claim_token=None)

    for message in ("one", "another"):
        await desk.handlers.on_publish_resolve_requested(delivery(resolve("ask_network"), message))

    kept = await desk.kept()
    assert (kept.state, kept.tries, kept.tries_before, kept.not_before) == (State.RETRYING, 3, 3, NOON)
    assert kept.error == lost.model_dump_json()
    assert await desk.evidence() == [Evidence.UNKNOWN]
    told = await desk.told()
    assert sorted(kind for kind, _ in told) == ["publish.requested", "publish.retrying"]
    assert (dict(told)["publish.retrying"]["in_doubt"], dict(told)["publish.retrying"]["retries"]) == (True, 1)


@pytest.mark.parametrize("outcome", ["published", "ask_network"])
@pytest.mark.parametrize("state", [State.PUBLISHED, State.FAILED])
async def test_only_an_unknown_outcome_is_settled_by_a_person(store: Store, state: State, outcome: str) -> None:
    desk = await Desk.at(store).having(state=state)

    await desk.handlers.on_publish_resolve_requested(delivery(resolve(outcome)))

    assert f"is {state}, not unknown" in await rejection(desk, "conflict")
