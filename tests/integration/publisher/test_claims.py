"""However often and wherever a post arrives at once, one delivery gets it."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import select

from services.publisher.claims import Claim, Claims
from services.publisher.domain import (
    Claimed,
    Delivered,
    Hold,
    Publication,
    Settled,
    Skip,
    StoredAccount,
    Tombstone,
    Wait,
    settled,
)
from services.publisher.store import Store
from services.publisher.tables import outbox
from shared.events.progress import State
from shared.events.requests import LatePolicy
from tests.fakes.clock import FakeClock
from tests.support.publications import NOON, SECOND, delivered, keep, requested

LEASE = timedelta(seconds=30)


async def connected(store: Store, account_id: str = "account", *, limits: str = "{}") -> None:
    await keep(store, StoredAccount(account_id, "sandbox", "{}", "", limits, True, NOON))


def claims_on(store: Store, clock: FakeClock | None = None) -> Claims:
    return Claims(store, clock or FakeClock(NOON), lease=LEASE)


async def claim_all(claims: Claims, deliveries: Sequence[Delivered]) -> list[Claim]:
    return list(await asyncio.gather(*map(claims.claim, deliveries)))


def claimed(claim: Claim) -> Publication:
    assert isinstance(claim.decision, Claimed), claim
    return claim.decision.publication


async def told(store: Store) -> list[tuple[str, dict[str, Any]]]:
    async with store.unit() as unit:
        rows = await unit.connection.execute(select(outbox.c.type, outbox.c.body).order_by(outbox.c.created_at))
        return [(row.type, json.loads(row.body)) for row in rows]


async def test_a_claim_names_the_account_and_its_platform(store: Store) -> None:
    await connected(store)

    claim = await claims_on(store).claim(delivered())

    assert claimed(claim).platform == "sandbox"
    assert claim.account is not None
    assert claim.account.account_id == "account"


async def test_of_deliveries_claimed_together_the_last_one_holds(store: Store) -> None:
    await connected(store)
    claims = claims_on(store)

    both = await claim_all(claims, [delivered(token="first"), delivered(token="second")])

    async with store.unit() as unit:
        assert await unit.mark_sending([claimed(claim) for claim in both]) == {"second"}


async def test_a_post_for_an_unknown_account_is_held_and_says_so(store: Store) -> None:
    claim = await claims_on(store).claim(delivered())

    assert isinstance(claim.decision, Hold)
    ((kind, fact),) = await told(store)
    assert kind == "publish.held"
    assert "'account' is not connected" in fact["reason"]


async def test_an_older_revision_is_skipped_without_touching_the_newer_one(store: Store) -> None:
    await connected(store)
    claims = claims_on(store)
    await claims.claim(delivered(requested(revision=2), token="newer"))

    claim = await claims.claim(delivered(requested(revision=1)))

    assert claim.decision == Skip(None, "superseded")
    assert [kind for kind, _ in await told(store)] == ["publish.skipped"]
    async with store.unit() as unit:
        assert (await unit.publications([("post", "account")]))["post", "account"].claim_token == "newer"


async def test_a_skipped_post_is_settled_and_its_outcome_repeated_when_swept(store: Store) -> None:
    await connected(store)
    await store.save_tombstone(("post", "account"), Tombstone(1, "cancelled"), NOON)
    claims = claims_on(store)

    first = await claims.claim(delivered())
    again = await claims.claim(delivered())
    swept = await claims.claim(delivered(requested(swept=True)))

    assert isinstance(first.decision, Skip)
    assert isinstance(again.decision, Settled)
    assert isinstance(swept.decision, Settled)
    assert [kind for kind, _ in await told(store)] == ["publish.skipped"] * 2


async def test_a_retry_skipped_as_too_late_tells_of_the_attempts_it_had(store: Store) -> None:
    """A fact that told of fewer attempts than the one before would be taken for old news."""
    await connected(store)
    claims = claims_on(store, clock := FakeClock(NOON))
    publication = claimed(await claims.claim(delivered()))
    async with store.unit() as unit:
        await unit.publications([publication.key])
        await unit.save([replace(publication, state=State.RETRYING, attempts=2, claim_token=None)])
    clock.advance(timedelta(hours=2))

    await claims.claim(delivered(requested(late_policy=LatePolicy(mode="skip", grace_seconds=60))))

    ((kind, fact),) = await told(store)
    assert (kind, fact["reason"], fact["attempts"]) == ("publish.skipped", "too_late", 2)


async def test_a_limited_account_lets_posts_go_in_the_order_they_are_due(store: Store) -> None:
    await connected(store, limits='{"per_second": 2}')
    due = [NOON + timedelta(milliseconds=100 * number) for number in (3, 0, 4, 1, 2)]

    answers = await claim_all(
        claims_on(store),
        [
            delivered(requested(f"post-{number}", publish_at=at), token=f"token-{number}")
            for number, at in enumerate(due)
        ],
    )

    starts = {claimed(claim).publish_at: claimed(claim).start_at for claim in answers}
    assert [starts[at] for at in sorted(due)] == sorted(starts.values())
    assert max(Counter(int((start - NOON) / SECOND) for start in starts.values()).values()) == 2


async def test_a_long_wait_for_a_slot_is_told_and_spent_elsewhere_and_the_slot_kept(store: Store) -> None:
    await connected(store, limits='{"per_minute": 1}')
    claims = claims_on(store, clock := FakeClock(NOON))
    await claims.claim(delivered(requested("first"), token="first"))

    waiting = await claims.claim(delivered(requested("second"), token="second"))

    assert isinstance(waiting.decision, Wait)
    slot_at = waiting.decision.until
    assert slot_at - NOON > 60 * SECOND
    ((kind, fact),) = await told(store)
    assert (kind, fact["attempt"]) == ("publish.retrying", 0)
    clock.advance(slot_at - NOON - 5 * SECOND)
    assert claimed(await claims.claim(delivered(requested("second")))).start_at == slot_at


async def test_slots_that_passed_while_nobody_ran_are_reserved_anew(store: Store) -> None:
    """Else all that had waited for their slots would start at once."""
    await connected(store, limits='{"per_second": 1}')
    claims = claims_on(store, clock := FakeClock(NOON))
    posts = [delivered(requested(f"post-{number}"), token=f"token-{number}") for number in range(5)]
    await claim_all(claims, posts)
    clock.advance(60 * SECOND)

    starts = sorted(claimed(claim).start_at for claim in await claim_all(claims, posts))

    assert all(later - earlier >= SECOND for earlier, later in pairwise(starts))
    assert starts[0] >= clock.now()


async def test_two_replicas_that_get_the_same_posts_at_once_send_each_once(two_stores: tuple[Store, Store]) -> None:
    await connected(two_stores[0])
    posts = [f"post-{number}" for number in range(100)]
    marks: Counter[str] = Counter()

    async def send(store: Store, claims: Claims, post_id: str, token: str) -> None:
        claim = await claims.claim(delivered(requested(post_id), token=token))
        if isinstance(claim.decision, Claimed):
            async with store.unit() as unit:
                tokens = await unit.mark_sending([as_sending(claim.decision.publication)])
            marks[post_id] += len(tokens)

    replicas = [(store, claims_on(store)) for store in two_stores]
    await asyncio.gather(
        *(
            send(store, claims, post_id, f"{post_id} {replica}")
            for post_id in posts
            for replica, (store, claims) in enumerate(replicas)
        )
    )

    assert {post_id: marks[post_id] for post_id in posts if marks[post_id] != 1} == {}


def as_sending(publication: Publication) -> Publication:
    return replace(publication, state=State.SENDING, attempts=1, lease_until=NOON + LEASE)


async def test_a_settled_post_stays_as_it_is_for_every_replica(two_stores: tuple[Store, Store]) -> None:
    one, other = two_stores
    await connected(one)
    publication = claimed(await claims_on(one).claim(delivered()))
    async with one.unit() as unit:
        await unit.mark_sending([as_sending(publication)])
        await unit.finish([(settled(publication, State.PUBLISHED, "{}", NOON), "mine")])

    claim = await claims_on(other).claim(delivered(requested(revision=5)))

    assert isinstance(claim.decision, Settled)
