"""The way of one post at its database, on a clock that a test sets: machines that sleep, and keys that are lost."""

import asyncio
import json
import weakref
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select

from services.publisher.accounts.at_rest import AtRest
from services.publisher.accounts.tokens import Tokens
from services.publisher.app import sending_of
from services.publisher.domain import Publication, StoredAccount
from services.publisher.limits.circuit_breakers import CircuitBreakers
from services.publisher.limits.line import AHEAD
from services.publisher.platforms.errors import Rejected, Transient, Unauthorized
from services.publisher.sending.evidence import Attempt, Evidence
from services.publisher.sending.loop import Sending
from services.publisher.settings import Settings
from services.publisher.store import Store, Unit
from services.publisher.tables import outbox, publications
from shared.events.progress import State
from shared.events.requests import LatePolicy
from shared.events.scheduler import PublishRequested
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import HandBack, Park, TryAgain
from shared.secrets.vault import Vault
from tests.fakes.clock import FakeClock
from tests.fakes.platform import FakePlatform
from tests.support.garbage import uncollected
from tests.support.publications import NOON, a_publication, an_attempt, keep, requested
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
    breakers: CircuitBreakers
    sending: Sending
    lines: "asyncio.Task[None]"
    """They end with the test's loop."""

    @classmethod
    async def of(cls, store: Store, *, vault: Vault | None = None, **settings: Any) -> "Bench":
        vault = vault or a_vault()
        account = StoredAccount("account", "fake", json.dumps(settings), vault.encrypt({}), "{}", True, NOON)
        await keep(store, account)
        return cls.over(store, vault)

    @classmethod
    def over(cls, store: Store, vault: Vault) -> "Bench":
        clock, platform, breakers = FakeClock(NOON - timedelta(hours=1)), FakePlatform(), CircuitBreakers(TURNS)
        known = {platform.name: platform}
        tokens = Tokens(AtRest(store), known, vault, clock, timeout=timedelta(seconds=10))
        settings = Settings(broker_url="amqp://nobody", lease_seconds=LEASE.total_seconds(), send_timeout_seconds=10)
        sending = sending_of(settings, store, clock=clock, breakers=breakers, known=known, vault=vault, tokens=tokens)
        return cls(store, platform, clock, breakers, sending, asyncio.create_task(sending.lines.run()))

    def publish(self, event: PublishRequested | None = None, *, redelivered: bool = False) -> asyncio.Task[None]:
        """The delivery of a request, under way."""
        delivery = Delivery(event or requested(), "message", "correlation", redelivered)
        return asyncio.create_task(self.sending.on_publish_requested(delivery))

    async def go_to_the_line(self) -> None:
        """Wait until the post is in line for its instant."""
        await self.clock.until_awaited(NOON - AHEAD)

    async def go_to_the_opening(self) -> None:
        """Go on to when an attempt is committed, and the send waits for its instant."""
        await self.go_to_the_line()
        self.clock.advance(NOON - AHEAD - self.clock.now())
        await self.clock.until_awaited(NOON)

    async def kept(self) -> Publication:
        async with self.store.unit() as unit:
            return await self.kept_in(unit)

    async def kept_in(self, unit: Unit) -> Publication:
        return (await unit.publications([KEY]))[KEY]

    async def attempts(self) -> tuple[Attempt, ...]:
        async with self.store.unit() as unit:
            return (await unit.attempts([KEY])).get(KEY, ())

    async def count_of(self, state: State) -> int:
        """How many posts are in this state."""
        async with self.store.unit() as unit:
            counted = select(func.count()).select_from(publications).where(publications.c.state == state)
            return int((await unit.connection.execute(counted)).scalar_one())

    async def told(self) -> list[str]:
        async with self.store.unit() as unit:
            rows = await unit.connection.execute(select(outbox.c.type).order_by(outbox.c.created_at))
            return [kind for kind in rows.scalars() if kind != "account.connected"]


async def test_an_attempt_is_committed_ahead_and_sent_at_its_instant(store: Store) -> None:
    bench = await Bench.of(store)
    publishing = bench.publish()

    await bench.go_to_the_opening()
    assert bench.platform.sent == []
    assert [one.evidence for one in await bench.attempts()] == [Evidence.OPEN]
    bench.clock.advance(AHEAD)
    await publishing

    assert bench.platform.sent == [("post", NOON)]
    assert [one.evidence for one in await bench.attempts()] == [Evidence.LANDED]
    assert (await bench.kept()).state == State.PUBLISHED
    assert await bench.told() == ["publish.succeeded"]


async def test_a_machine_that_sleeps_through_its_lease_opens_its_attempt_anew(store: Store) -> None:
    """Nothing left under the old one; and if another replica has taken over, none is opened."""
    bench = await Bench.of(store)
    publishing = bench.publish()
    await bench.go_to_the_opening()

    bench.clock.advance(AHEAD + LEASE)
    await publishing

    assert bench.platform.sent == [("post", NOON + LEASE)]
    kept = await bench.kept()
    assert (kept.state, kept.tries) == (State.PUBLISHED, 1)
    first, second = await bench.attempts()
    assert (first.number, first.evidence) == (1, Evidence.NOT_SENT)
    assert (second.number, second.evidence, second.start_at) == (2, Evidence.LANDED, NOON + LEASE)
    assert await bench.told() == ["publish.succeeded"]


async def test_what_another_replica_took_over_is_not_sent_after_a_pause(store: Store) -> None:
    bench = await Bench.of(store)
    publishing = bench.publish()
    await bench.go_to_the_opening()
    async with store.unit() as unit:
        await unit.save([replace(await bench.kept_in(unit), claim_token="another", state=State.PUBLISHED)])

    bench.clock.advance(AHEAD + LEASE)
    await publishing

    assert bench.platform.sent == []
    assert await bench.told() == []


@pytest.mark.parametrize("is_open", [False, True], ids=["in line", "an attempt is open"])
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
    store: Store, mode: Any, asleep: timedelta, expected: State, is_open: bool
) -> None:
    bench = await Bench.of(store)
    grace = 3600 if mode == "publish" else 60
    publishing = bench.publish(requested(late_policy=LatePolicy(mode=mode, grace_seconds=grace)))
    await (bench.go_to_the_opening() if is_open else bench.go_to_the_line())

    bench.clock.advance(NOON + asleep - bench.clock.now())
    await publishing

    assert (await bench.kept()).state == expected
    assert len(bench.platform.sent) == (expected is State.PUBLISHED)


async def test_deliveries_of_one_post_send_it_once(store: Store) -> None:
    bench = await Bench.of(store)
    deliveries = [bench.publish() for _ in range(3)]

    await bench.go_to_the_opening()
    bench.clock.advance(AHEAD)
    await asyncio.gather(*deliveries)

    assert bench.platform.sent == [("post", NOON)]
    assert await bench.told() == ["publish.succeeded"]


async def test_a_withdrawal_that_is_only_committed_is_found_when_the_attempt_is_opened(store: Store) -> None:
    bench = await Bench.of(store)
    publishing = bench.publish()
    await bench.go_to_the_line()
    async with store.unit() as unit:
        await unit.save([replace(await bench.kept_in(unit), withdrawn=1, withdrawn_because="cancelled")])

    bench.clock.advance(NOON - AHEAD - bench.clock.now())
    await publishing

    assert bench.platform.sent == []
    assert await bench.attempts() == ()


async def test_a_withdrawal_heard_after_the_opening_is_found_at_the_last_look(store: Store) -> None:
    bench = await Bench.of(store)
    publishing = bench.publish()
    await bench.go_to_the_opening()
    bench.sending.note_withdrawal(KEY, 1, "superseded")

    bench.clock.advance(AHEAD)
    await publishing

    assert bench.platform.sent == []
    assert ((await bench.kept()).state, (await bench.kept()).tries) == (State.SKIPPED, 0)
    assert [one.evidence for one in await bench.attempts()] == [Evidence.NOT_SENT]
    assert await bench.told() == ["publish.skipped"]


async def test_what_waits_is_handed_back_when_the_service_stops(store: Store) -> None:
    bench = await Bench.of(store)
    publishing = bench.publish()
    await bench.go_to_the_line()

    bench.sending.stop()

    with pytest.raises(HandBack):
        await publishing
    with pytest.raises(HandBack):
        await bench.publish()
    assert bench.platform.sent == []


async def test_that_an_attempt_never_left_is_kept_when_the_service_stops(store: Store) -> None:
    bench = await Bench.of(store)
    publishing = bench.publish()
    await bench.go_to_the_opening()

    bench.sending.stop()
    bench.clock.advance(AHEAD + LEASE)

    with pytest.raises(HandBack):
        await publishing
    assert [one.evidence for one in await bench.attempts()] == [Evidence.NOT_SENT]


async def test_what_is_opened_is_sent_though_the_service_stops(store: Store) -> None:
    bench = await Bench.of(store)
    publishing = bench.publish()
    await bench.go_to_the_opening()

    bench.sending.stop()
    bench.clock.advance(AHEAD)
    await publishing

    assert bench.platform.sent == [("post", NOON)]


async def test_a_post_that_cannot_be_prepared_is_tried_again_and_uses_up_a_try(store: Store) -> None:
    bench = await Bench.of(store)
    bench.platform.unprepared.append(Transient("no media yet"))

    with pytest.raises(TryAgain):
        await bench.publish()

    kept = await bench.kept()
    assert (kept.state, kept.tries) == (State.RETRYING, 1)
    assert await bench.attempts() == ()


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
    left = a_publication(state=State.SENDING, platform="fake")
    died_at = NOON - timedelta(hours=2)
    async with store.unit() as unit:
        await unit.save([left])
        await unit.save_attempts([an_attempt(start_at=died_at, latest_at=died_at, lease_until=died_at + LEASE)])


@pytest.mark.parametrize("settings", [{}, {"answers_lookups": True}])
@pytest.mark.parametrize("deduplicates", [False, True])
async def test_what_a_dead_sender_left_is_unknown_once_the_keys_are_lost(
    store: Store, settings: dict[str, Any], deduplicates: bool
) -> None:
    await dead_sender(store, settings, a_vault())
    bench = Bench.over(store, a_vault())
    bench.platform.deduplicates = deduplicates

    await bench.publish()

    assert (await bench.kept()).state == State.UNKNOWN
    assert await bench.told() == ["publish.unknown"]


async def test_an_account_whose_keys_are_lost_holds_its_posts_with_the_way_out(store: Store) -> None:
    await Bench.of(store)
    bench = Bench.over(store, a_vault())

    await bench.publish()

    assert await bench.told() == ["publish.held"]
    assert "TIMEBALL_SECRET_KEYS" in ((await bench.kept()).outcome or "")


async def test_an_account_gone_while_its_post_was_sent_leaves_the_outcome_unknown(store: Store) -> None:
    vault = a_vault()
    await dead_sender(store, {}, vault)
    bench = Bench.over(store, vault)
    bench.sending.claims.platforms = {}

    await bench.publish()

    assert await bench.told() == ["publish.unknown"]


async def test_a_post_that_was_refused_while_its_account_was_connected_anew_goes_out_with_the_new_credentials(
    store: Store,
) -> None:
    bench = await Bench.of(store)
    bench.platform.refusals.append(Unauthorized("token revoked"))
    publishing = bench.publish()
    await bench.go_to_the_opening()
    account = await store.account("account")
    assert account is not None
    await keep(store, replace(account, changed_at=account.changed_at + timedelta(seconds=1)))

    bench.clock.advance(AHEAD)
    await publishing

    assert bench.platform.sent == [("post", NOON)]
    assert await bench.told() == ["publish.succeeded"]


async def test_no_more_are_sent_at_once_than_there_are_turns(store: Store) -> None:
    bench = await Bench.of(store)
    deliveries = [bench.publish(requested(f"post-{number}")) for number in range(12)]
    await bench.go_to_the_line()

    bench.clock.advance(NOON - AHEAD - bench.clock.now())
    await eventually(lambda: bench.count_of(State.SENDING), what="as many as there are turns are under way")
    at_once = await bench.count_of(State.SENDING)
    bench.clock.advance(AHEAD)
    await asyncio.gather(*deliveries)

    assert at_once == TURNS
    assert sorted(bench.platform.sent) == sorted((f"post-{number}", NOON) for number in range(12))
