"""What a post does while it must wait: it holds still for a moment, rests for longer, and keeps what was prepared."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from services.publisher.accounts.credentials import destination_of
from services.publisher.limits.line import AHEAD
from services.publisher.platforms.base import Account, Post
from services.publisher.platforms.errors import NotSent, PlatformError, RateLimited, Transient, Unavailable
from services.publisher.store import Store
from shared.events.progress import State
from shared.events.requests import LatePolicy
from shared.messaging.verdict import HandBack, TryAgain
from tests.fakes.clock import FakeClock
from tests.fakes.platform import FakePlatform, FakeReady
from tests.integration.publisher.test_publishing import TURNS, Bench
from tests.support.publications import NOON, SECOND, keep, requested
from tests.support.waiting import eventually

LONG_AGO = 60
"""Seconds for which a destination has not answered."""


async def near_noon(store: Store, *, limits: str = "{}") -> Bench:
    """A publisher two seconds before the post is due."""
    bench = await Bench.of(store)
    account = await store.account("account")
    assert account is not None
    await keep(store, replace(account, limits=limits))
    bench.clock.advance(timedelta(hours=1) - 2 * SECOND)
    return bench


async def to_its_instant(bench: Bench) -> None:
    """Go on to when the post is sent."""
    await bench.go_to_the_opening()
    bench.clock.advance(AHEAD)


async def silent(bench: Bench, store: Store) -> None:
    """Have all turns at the destination taken by requests that are not answered."""
    account = await store.account("account")
    assert account is not None
    for _ in range(TURNS):
        turn = bench.breakers.at(destination_of(account)).take()
        turn.begun_at = asyncio.get_running_loop().time() - LONG_AGO


async def start_given(bench: Bench, *, after: datetime) -> datetime:
    """The start that the post is given, once it is later than that, and the send waits for it."""

    async def start_at() -> datetime | None:
        return max((one.start_at for one in await bench.attempts() if one.start_at > after), default=None)

    await eventually(start_at, what="an attempt is opened")
    given = await start_at()
    assert given is not None
    await bench.clock.until_awaited(given)
    return given


async def test_a_short_wait_is_held_and_hits_its_instant(store: Store) -> None:
    bench = await near_noon(store)
    bench.platform.refusals.append(RateLimited("HTTP 429", retry_after=2 * SECOND))
    publishing = bench.publish()

    await to_its_instant(bench)
    await bench.clock.until_awaited(NOON + 2 * SECOND)
    bench.clock.advance(2 * SECOND)
    await publishing

    assert bench.platform.sent == [("post", NOON + 2 * SECOND)]
    assert (await bench.kept()).tries == 1
    assert await bench.told() == ["publish.retrying", "publish.succeeded"]


async def test_what_is_held_goes_to_another_replica_when_the_service_stops(store: Store) -> None:
    bench = await near_noon(store)
    bench.platform.refusals.append(RateLimited("HTTP 429", retry_after=4 * SECOND))
    publishing = bench.publish()
    await to_its_instant(bench)
    await bench.clock.until_awaited(NOON + 4 * SECOND)

    bench.sending.stop()

    with pytest.raises(HandBack):
        await publishing


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (RateLimited("HTTP 429", retry_after=30 * SECOND), 0),
        (Unavailable("HTTP 503"), 0),
        (NotSent("no connection"), 0),
        (Transient("busy"), 1),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
async def test_a_long_wait_is_spent_in_a_retry_queue(store: Store, error: PlatformError, tries: int) -> None:
    bench = await near_noon(store)
    bench.platform.refusals.append(error)
    publishing = bench.publish()

    await to_its_instant(bench)
    with pytest.raises(TryAgain) as again:
        await publishing

    assert 5 * SECOND <= again.value.delay <= 30 * SECOND
    kept = await bench.kept()
    assert (kept.state, kept.tries) == (State.RETRYING, tries)


async def test_a_post_that_waited_for_a_limit_follows_its_late_policy(store: Store) -> None:
    """Its due instant counts, not when it was last put off to."""
    bench = await near_noon(store)
    bench.platform.refusals.append(RateLimited("HTTP 429", retry_after=30 * SECOND))
    event = requested(late_policy=LatePolicy(mode="skip", grace_seconds=60))
    publishing = bench.publish(event)
    await to_its_instant(bench)
    with pytest.raises(TryAgain):
        await publishing

    bench.clock.advance(timedelta(days=1))
    await bench.publish(event)

    assert bench.platform.sent == []
    assert await bench.told() == ["publish.retrying", "publish.skipped"]


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


async def test_a_post_that_missed_its_start_is_given_another_with_what_was_prepared(store: Store) -> None:
    bench = await near_noon(store, limits='{"per_second": 1}')
    slow = SlowToPrepare(clock=bench.clock)
    bench.sending.preparation = replace(bench.sending.preparation, platforms={slow.name: slow})
    publishing = bench.publish()
    await bench.clock.until_awaited(NOON + 3 * SECOND)

    bench.clock.advance(5 * SECOND)
    missed = await start_given(bench, after=NOON)
    bench.clock.advance(60 * SECOND)
    given = await start_given(bench, after=missed)
    bench.clock.advance(given - bench.clock.now())
    await publishing

    async with store.unit() as unit:
        kept = (await unit.reservations(["account"]))["account"]
    ((_, sent_at),) = slow.sent
    assert slow.prepared == 1
    assert sent_at == given >= missed + 60 * SECOND
    assert kept["last_start"] == given.timestamp() * 1000 <= kept["latest"][-1]


async def test_a_post_for_a_silent_destination_rests_without_a_try(store: Store) -> None:
    bench = await near_noon(store)
    await silent(bench, store)
    bench.clock.advance(2 * SECOND)

    with pytest.raises(TryAgain) as first:
        await bench.publish()
    with pytest.raises(TryAgain) as second:
        await bench.publish()

    kept = await bench.kept()
    assert first.value.delay >= 5 * SECOND <= second.value.delay
    assert (kept.state, kept.tries, kept.not_before) == (State.RETRYING, 0, NOON)
    assert await bench.attempts() == ()


@pytest.mark.parametrize(
    ("mode", "state", "fact"), [("skip", State.SKIPPED, "publish.skipped"), ("hold", State.HELD, "publish.held")]
)
async def test_a_post_that_would_rest_for_longer_than_its_policy_allows_does_not_rest(
    store: Store, mode: str, state: State, fact: str
) -> None:
    bench = await near_noon(store)
    await silent(bench, store)
    policy = LatePolicy.model_validate({"mode": mode, "grace_seconds": 4})
    bench.clock.advance(2 * SECOND)

    await bench.publish(requested(late_policy=policy))

    assert (await bench.kept()).state == state
    assert await bench.told() == [fact]
    assert bench.platform.sent == []
