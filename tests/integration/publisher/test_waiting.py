"""What a post does while it must wait: it holds still for a moment, rests for longer, and keeps what was prepared."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from services.publisher.accounts.credentials import destination_of
from services.publisher.platforms.base import Account, Post
from services.publisher.platforms.errors import RateLimited
from services.publisher.store import Store
from shared.events.progress import State
from shared.events.requests import LatePolicy
from shared.messaging.verdict import HandBack, TryAgain
from tests.fakes.clock import FakeClock
from tests.fakes.platform import FakePlatform, FakeReady
from tests.integration.publisher.test_publishing import TURNS, Bench
from tests.support.publications import NOON, SECOND, keep, requested

STEP = timedelta(milliseconds=50)


async def to_its_end(bench: Bench, publishing: asyncio.Task[None]) -> None:
    """Let time go by, a little whenever everybody sleeps, until the delivery is settled."""
    while not publishing.done():
        asleep = asyncio.create_task(bench.clock.until_asleep())
        await asyncio.wait({publishing, asleep}, return_when=asyncio.FIRST_COMPLETED)
        asleep.cancel()
        bench.clock.advance(STEP)
    await publishing


async def near_noon(store: Store, *, limits: str = "{}") -> Bench:
    """A publisher two seconds before the post is due."""
    bench = await Bench.of(store)
    account = await store.account("account")
    assert account is not None
    await keep(store, replace(account, limits=limits))
    bench.clock.advance(timedelta(hours=1) - 2 * SECOND)
    return bench


async def test_a_short_wait_is_held_and_hits_its_instant(store: Store) -> None:
    bench = await near_noon(store)
    bench.platform.refusals.append(RateLimited("HTTP 429", retry_after=2 * SECOND))

    await to_its_end(bench, bench.publish())

    ((_, sent_at),) = bench.platform.sent
    assert 2 * SECOND <= sent_at - NOON < 3 * SECOND
    assert (await bench.kept()).attempts == 1
    assert await bench.told() == ["publish.retrying", "publish.succeeded"]


async def test_what_is_held_goes_to_another_replica_when_the_service_stops(store: Store) -> None:
    bench = await near_noon(store)
    bench.platform.refusals.append(RateLimited("HTTP 429", retry_after=4 * SECOND))
    publishing = bench.publish()
    await bench.go_to_the_mark()
    bench.clock.advance(SECOND)
    await bench.clock.until_asleep()

    bench.publishing.stop()

    with pytest.raises(HandBack):
        await publishing


async def test_a_long_wait_is_spent_in_a_retry_queue(store: Store) -> None:
    bench = await near_noon(store)
    bench.platform.refusals.append(RateLimited("HTTP 429", retry_after=30 * SECOND))

    with pytest.raises(TryAgain) as again:
        await to_its_end(bench, bench.publish())

    assert again.value.delay == 30 * SECOND
    assert (await bench.kept()).state == State.RETRYING


@dataclass
class SlowToPrepare(FakePlatform):
    """A platform whose uploads end a while after the post was due."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON))
    prepared: int = 0

    async def prepare(self, post: Post, account: Account) -> FakeReady:
        """Upload slowly."""
        self.prepared += 1
        await self.clock.sleep_until(NOON + 3 * SECOND)
        return await super().prepare(post, account)


async def test_a_post_that_missed_its_slot_takes_another_with_what_was_prepared(store: Store) -> None:
    bench = await near_noon(store, limits='{"per_second": 1}')
    slow = SlowToPrepare(clock=bench.clock)
    bench.publishing.preparation = replace(bench.publishing.preparation, platforms={slow.name: slow})

    await to_its_end(bench, bench.publish())

    ((_, sent_at),) = slow.sent
    async with store.unit() as unit:
        (reserved,) = (await unit.buckets({"account": ()})).values()
    assert slow.prepared == 1
    assert sent_at.timestamp() * 1000 >= reserved.last >= (NOON + 3 * SECOND).timestamp() * 1000


async def test_a_post_for_an_unwell_destination_rests_without_an_attempt(store: Store) -> None:
    bench = await near_noon(store)
    account = await store.account("account")
    assert account is not None
    for _ in range(TURNS):
        turn = await bench.publishing.sends.take(destination_of(account))
        turn.since -= 60

    with pytest.raises(TryAgain) as first:
        await to_its_end(bench, bench.publish())
    with pytest.raises(TryAgain) as second:
        await bench.publish()

    kept = await bench.kept()
    assert first.value.delay >= 5 * SECOND <= second.value.delay
    assert (kept.state, kept.attempts) == (State.RETRYING, 0)
    assert await bench.told() == ["publish.retrying"]


@pytest.mark.parametrize(
    ("mode", "state", "fact"), [("skip", State.SKIPPED, "publish.skipped"), ("hold", State.HELD, "publish.held")]
)
async def test_a_post_that_would_rest_for_longer_than_its_policy_allows_does_not_rest(
    store: Store, mode: str, state: State, fact: str
) -> None:
    bench = await near_noon(store)
    account = await store.account("account")
    assert account is not None
    for _ in range(TURNS):
        turn = await bench.publishing.sends.take(destination_of(account))
    policy = LatePolicy.model_validate({"mode": mode, "grace_seconds": 4})
    publishing = bench.publish(requested(late_policy=policy))
    await bench.clock.until_asleep()
    turn.since -= 60

    await to_its_end(bench, publishing)

    assert (await bench.kept()).state == state
    assert await bench.told() == [fact]
    assert bench.platform.sent == []
