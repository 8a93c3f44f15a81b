"""The way of one post at its database, on a clock that a test sets: machines that sleep, and keys that are lost."""

import asyncio
import json
import weakref
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from services.publisher.bulkheads import Bulkheads
from services.publisher.claims import Claims
from services.publisher.doubt import Doubts
from services.publisher.preparation import Preparation
from services.publisher.publishing import MARK_AHEAD, Publishing
from services.publisher.revoked import Revoked
from services.publisher.settling import Settling
from sqlalchemy import func, select

from services.publisher.accounts.renewals import Renewals
from services.publisher.accounts.tokens import Tokens
from services.publisher.domain import Publication, StoredAccount, Tombstone
from services.publisher.platforms.errors import Rejected, Transient
from services.publisher.store import Store
from services.publisher.tables import outbox, publications
from shared.events.progress import State
from shared.events.requests import LatePolicy
from shared.events.scheduler import PublishRequested
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import HandBack, Park, TryAgain
from shared.vault import Vault
from tests.fakes.clock import FakeClock
from tests.fakes.platform import FakePlatform
from tests.support.garbage import uncollected
from tests.support.publications import NOON, a_publication, keep, requested
from tests.support.waiting import eventually

LEASE = timedelta(seconds=30)
TURNS = 5
KEY = ("post", "account")


def a_vault() -> Vault:
    return Vault.from_keys(Fernet.generate_key().decode())


@dataclass
class Bench:
    """A publisher without a broker, an hour before noon."""

    store: Store
    platform: FakePlatform
    clock: FakeClock
    publishing: Publishing

    @classmethod
    async def of(cls, store: Store, *, vault: Vault | None = None, **settings: Any) -> "Bench":
        vault = vault or a_vault()
        account = StoredAccount("account", "fake", json.dumps(settings), vault.encrypt({}), "{}", True, NOON)
        await keep(store, account)
        return cls.over(store, vault)

    @classmethod
    def over(cls, store: Store, vault: Vault) -> "Bench":
        clock, platform = FakeClock(NOON - timedelta(hours=1)), FakePlatform()
        known = {platform.name: platform}
        tokens = Tokens(Renewals(store), known, vault, clock, timeout=timedelta(seconds=10))
        publishing = Publishing(
            claims=Claims(store, clock, lease=LEASE),
            settling=Settling(store, clock),
            clock=clock,
            revoked=Revoked(),
            send_timeout=timedelta(seconds=10),
            sends=Bulkheads(TURNS),
            preparation=Preparation(known, vault, tokens, Bulkheads(TURNS), timeout=timedelta(seconds=10)),
            doubts=Doubts(known, vault, clock, tokens, look_up_timeout=timedelta(seconds=10)),
            tokens=tokens,
        )
        return cls(store, platform, clock, publishing)

    def publish(self, event: PublishRequested | None = None, *, redelivered: bool = False) -> asyncio.Task[None]:
        """The delivery of a request, under way."""
        delivery = Delivery(event or requested(), "message", "correlation", redelivered)
        return asyncio.create_task(self.publishing.on_publish_requested(delivery))

    async def go_to_the_mark(self) -> None:
        """Go on to when the post is marked as being sent, and the send waits for its instant."""
        await self.clock.until_asleep()
        self.clock.advance(NOON - MARK_AHEAD - self.clock.now())
        await eventually(self._is_marked, within=10, what="the post is marked")
        await self.clock.until_asleep()

    async def _is_marked(self) -> bool:
        return (await self.kept()).state == State.SENDING

    async def kept(self) -> Publication:
        async with self.store.unit() as unit:
            return (await unit.publications([KEY]))[KEY]

    async def count_of(self, state: State) -> int:
        """How many posts are in this state."""
        async with self.store.unit() as unit:
            counted = select(func.count()).select_from(publications).where(publications.c.state == state)
            return int((await unit.connection.execute(counted)).scalar_one())

    async def told(self) -> list[str]:
        async with self.store.unit() as unit:
            rows = await unit.connection.execute(select(outbox.c.type).order_by(outbox.c.created_at))
            return [kind for kind in rows.scalars() if kind != "account.connected"]


async def test_a_post_is_marked_ahead_and_sent_at_its_instant(store: Store) -> None:
    bench = await Bench.of(store)
    publishing = bench.publish()

    await bench.go_to_the_mark()
    assert bench.platform.sent == []
    bench.clock.advance(MARK_AHEAD)
    await publishing

    assert bench.platform.sent == [("post", NOON)]
    assert (await bench.kept()).state == State.PUBLISHED
    assert await bench.told() == ["publish.succeeded"]


async def test_a_machine_that_sleeps_through_its_lease_claims_the_post_once_more(store: Store) -> None:
    """Another replica may have taken over; and if none has, the late policy decides."""
    bench = await Bench.of(store)
    publishing = bench.publish()
    await bench.go_to_the_mark()

    bench.clock.advance(MARK_AHEAD + LEASE)
    await publishing

    assert bench.platform.sent == [("post", NOON + LEASE)]
    kept = await bench.kept()
    assert (kept.state, kept.attempts) == (State.PUBLISHED, 1)
    assert await bench.told() == ["publish.retrying", "publish.succeeded"]


@pytest.mark.parametrize(
    ("mode", "asleep", "expected"),
    [
        ("skip", timedelta(minutes=2), State.SKIPPED),
        ("hold", timedelta(minutes=2), State.HELD),
        ("publish", timedelta(hours=2), State.HELD),
        ("publish", timedelta(minutes=2), State.PUBLISHED),
    ],
)
async def test_a_machine_that_sleeps_through_the_moment_follows_the_late_policy(
    store: Store, mode: Any, asleep: timedelta, expected: State
) -> None:
    bench = await Bench.of(store)
    grace = 3600 if mode == "publish" else 60
    publishing = bench.publish(requested(late_policy=LatePolicy(mode=mode, grace_seconds=grace)))
    await bench.clock.until_asleep()

    bench.clock.advance(NOON + asleep - bench.clock.now())
    await publishing

    assert (await bench.kept()).state == expected
    assert len(bench.platform.sent) == (expected is State.PUBLISHED)


async def test_a_claim_taken_over_while_it_waited_is_not_sent_twice(store: Store) -> None:
    bench = await Bench.of(store)
    deliveries = [bench.publish() for _ in range(3)]
    await bench.clock.until_asleep(3)

    await bench.go_to_the_mark()
    bench.clock.advance(MARK_AHEAD)
    answers = await asyncio.gather(*deliveries, return_exceptions=True)

    assert bench.platform.sent == [("post", NOON)]
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", "TryAgain", "TryAgain"]
    assert await bench.told() == ["publish.succeeded"]


async def test_a_cancellation_that_comes_while_it_waits_is_found_before_the_mark(store: Store) -> None:
    bench = await Bench.of(store)
    publishing = bench.publish()
    await bench.clock.until_asleep()
    await store.save_tombstone(KEY, Tombstone(1, "cancelled"), NOON)

    bench.clock.advance(NOON - MARK_AHEAD - bench.clock.now())
    await publishing

    assert bench.platform.sent == []
    assert await bench.told() == ["publish.skipped"]


async def test_a_cancellation_heard_after_the_mark_is_found_at_the_last_look(store: Store) -> None:
    bench = await Bench.of(store)
    publishing = bench.publish()
    await bench.go_to_the_mark()
    bench.publishing.revoked.add(KEY, Tombstone(1, "superseded"))

    bench.clock.advance(MARK_AHEAD)
    await publishing

    assert bench.platform.sent == []
    assert (await bench.kept()).attempts == 0
    assert await bench.told() == ["publish.skipped"]


async def test_what_waits_is_handed_back_when_the_service_stops(store: Store) -> None:
    bench = await Bench.of(store)
    publishing = bench.publish()
    await bench.clock.until_asleep()

    bench.publishing.stop()

    with pytest.raises(HandBack):
        await publishing
    with pytest.raises(HandBack):
        await bench.publish()
    assert bench.platform.sent == []


async def test_what_is_marked_is_sent_though_the_service_stops(store: Store) -> None:
    bench = await Bench.of(store)
    publishing = bench.publish()
    await bench.go_to_the_mark()

    bench.publishing.stop()
    bench.clock.advance(MARK_AHEAD)
    await publishing

    assert bench.platform.sent == [("post", NOON)]


async def test_a_post_that_cannot_be_prepared_is_tried_again_and_uses_up_an_attempt(store: Store) -> None:
    bench = await Bench.of(store)
    bench.platform.unprepared.append(Transient("no media yet"))

    with pytest.raises(TryAgain):
        await bench.publish()

    kept = await bench.kept()
    assert (kept.state, kept.attempts) == (State.RETRYING, 1)


async def test_a_post_that_is_tried_again_leaves_no_ring_to_the_garbage_collector(store: Store) -> None:
    """An exception that is kept while it is raised holds its traceback, which holds it and all of the post's way."""
    bench = await Bench.of(store)
    bench.platform.unprepared.append(Transient("no media yet"))
    with uncollected():
        try:
            await bench.publish()
        except TryAgain as verdict:
            raised = weakref.ref(verdict)
        await asyncio.sleep(0)
        assert raised() is None


async def test_a_failure_interrupted_before_it_was_parked_is_parked_by_its_redelivery(store: Store) -> None:
    bench = await Bench.of(store)
    bench.platform.unprepared.append(Rejected("never"))
    with pytest.raises(Park, match="rejected after 1 attempt: never"):
        await bench.publish()

    with pytest.raises(Park, match="failed before"):
        await bench.publish(redelivered=True)
    await bench.publish()

    assert await bench.told() == ["publish.failed"]


async def dead_sender(store: Store, settings: dict[str, Any], vault: Vault) -> None:
    """What a publisher left that died while it sent, an hour and more ago."""
    await Bench.of(store, vault=vault, **settings)
    left = a_publication(state=State.SENDING, attempts=1, lease_until=NOON - timedelta(hours=2), platform="fake")
    async with store.unit() as unit:
        await unit.save([left])


@pytest.mark.parametrize("settings", [{}, {"answers_lookups": True}])
@pytest.mark.parametrize("deduplicates", [False, True])
async def test_what_a_dead_sender_left_is_unknown_once_the_keys_are_lost(
    store: Store, settings: dict[str, Any], deduplicates: bool
) -> None:
    await dead_sender(store, settings, a_vault())
    bench = Bench.over(store, a_vault())
    bench.platform.deduplicates = deduplicates

    await asyncio.gather(bench.publish(), return_exceptions=True)

    assert (await bench.kept()).state == State.UNKNOWN


async def test_an_account_whose_keys_are_lost_fails_its_posts_with_the_reason(store: Store) -> None:
    await Bench.of(store)
    bench = Bench.over(store, a_vault())

    with pytest.raises(Park, match="unknown key"):
        await bench.publish()

    assert await bench.told() == ["publish.failed"]


async def test_an_account_gone_while_its_post_was_sent_leaves_the_outcome_unknown(store: Store) -> None:
    vault = a_vault()
    await dead_sender(store, {}, vault)
    bench = Bench.over(store, vault)
    bench.publishing.preparation = replace(bench.publishing.preparation, platforms={})

    await bench.publish()

    assert await bench.told() == ["publish.unknown"]


async def test_no_more_are_sent_at_once_than_there_are_turns(store: Store) -> None:
    bench = await Bench.of(store)
    deliveries = [bench.publish(requested(f"post-{number}")) for number in range(12)]
    await bench.clock.until_asleep(12)

    bench.clock.advance(NOON - MARK_AHEAD - bench.clock.now())
    await eventually(lambda: bench.count_of(State.SENDING), within=10, what="some are marked")
    await bench.clock.until_asleep(TURNS)
    at_once = await bench.count_of(State.SENDING)
    bench.clock.advance(MARK_AHEAD)
    await asyncio.gather(*deliveries)

    assert at_once == TURNS
    assert sorted(bench.platform.sent) == sorted((f"post-{number}", NOON) for number in range(12))
