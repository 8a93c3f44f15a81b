"""What the publisher writes down: whose a post is, what became of it, and what must not be sent."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.publisher.domain import Publication, StoredAccount, Tombstone, settled
from services.publisher.limits import windows_of
from services.publisher.store import Store
from shared.events.progress import State
from tests.support.publications import NOON, SECOND, a_publication, keep

KEY = ("post", "account")
TWO_A_SECOND = windows_of({"per_second": 2})
SENDING: dict[str, Any] = {"state": State.SENDING, "attempts": 1, "lease_until": NOON + 30 * SECOND}


async def saved(store: Store, *publications: Publication) -> None:
    async with store.unit() as unit:
        await unit.publications(one.key for one in publications)
        await unit.save(publications)


async def found(store: Store, key: tuple[str, str] = KEY) -> Publication:
    async with store.unit() as unit:
        return (await unit.publications([key]))[key]


async def marked(store: Store, *claimed: Publication) -> set[str]:
    async with store.unit() as unit:
        return await unit.mark_sending([replace(one, **SENDING) for one in claimed])


async def finished(store: Store, *outcomes: tuple[Publication, str]) -> set[str]:
    async with store.unit() as unit:
        return await unit.finish(outcomes)


def held_by(token: str, post_id: str = "post") -> Publication:
    return a_publication(claim_token=token, post_id=post_id)


def failed() -> Publication:
    return settled(a_publication(), State.FAILED, "failed", NOON)


def published() -> Publication:
    return settled(a_publication(), State.PUBLISHED, "published", NOON)


@pytest.mark.parametrize(
    "publication",
    [
        a_publication(),
        a_publication(state=State.RETRYING, claim_token=None, slot_at=NOON + 3 * SECOND),
        a_publication(**SENDING, outcome='{"type": "x"}', request="\N{SNOWMAN} 'quoted' \\ \n"),
        a_publication(publish_at=NOON + timedelta(microseconds=1), post_id="p'; --", account_id="\N{SNOWMAN}"),
    ],
    ids=["claimed", "retrying", "sending", "odd"],
)
async def test_a_publication_is_read_as_it_was_written(store: Store, publication: Publication) -> None:
    await saved(store, publication)
    await saved(store, publication)

    assert await found(store, publication.key) == publication


async def test_only_the_claim_that_still_holds_is_marked(store: Store) -> None:
    await saved(store, held_by("old"))
    await saved(store, held_by("new"))

    assert await marked(store, held_by("old")) == set()
    assert await marked(store, held_by("new")) == {"new"}
    assert await marked(store, held_by("new")) == set()

    assert (await found(store)).state == State.SENDING


async def test_of_two_claims_marked_in_one_transaction_one_holds(store: Store) -> None:
    await saved(store, held_by("new"), held_by("alone", "other"))

    tokens = await marked(store, held_by("old"), held_by("new"), held_by("alone", "other"), held_by("older"))

    assert tokens == {"new", "alone"}


@pytest.mark.parametrize(("tombstone", "may_be_sent"), [(1, False), (2, False), (0, True)])
async def test_a_cancelled_revision_is_not_marked(store: Store, tombstone: int, may_be_sent: bool) -> None:
    await saved(store, held_by("mine"))
    await store.save_tombstone(KEY, Tombstone(tombstone, "cancelled"), NOON)

    assert await marked(store, held_by("mine")) == ({"mine"} if may_be_sent else set())


@pytest.mark.parametrize("state", [State.RETRYING, State.PUBLISHED, State.UNKNOWN, State.FAILED, State.SKIPPED])
async def test_what_is_not_claimed_is_not_marked(store: Store, state: State) -> None:
    await saved(store, a_publication(state=state, claim_token="mine"))

    assert await marked(store, held_by("mine")) == set()


async def test_an_outcome_is_written_under_the_token_of_its_claim(store: Store) -> None:
    await saved(store, a_publication(**SENDING, claim_token="mine"))

    assert await finished(store, (failed(), "mine")) == {"mine"}

    kept = await found(store)
    assert (kept.state, kept.outcome, kept.claim_token) == (State.FAILED, "failed", None)


async def test_the_outcome_of_a_lost_claim_does_not_count(store: Store) -> None:
    await saved(store, a_publication(**SENDING, claim_token="theirs"))

    assert await finished(store, (failed(), "mine")) == set()

    assert (await found(store)).state == State.SENDING


async def test_a_success_counts_whoever_holds_the_claim(store: Store) -> None:
    await saved(store, a_publication(**SENDING, claim_token="theirs"))

    assert await finished(store, (published(), "mine")) == {"mine"}
    assert await finished(store, (failed(), "theirs")) == set()

    assert (await found(store)).state == State.PUBLISHED


async def test_of_two_outcomes_in_one_transaction_only_those_that_count_are_told(store: Store) -> None:
    await saved(store, a_publication(**SENDING, claim_token="theirs"))

    tokens = await finished(store, (failed(), "lost"), (failed(), "theirs"))

    assert tokens == {"theirs"}


async def test_the_highest_cancelled_revision_is_remembered(store: Store) -> None:
    for revision, reason in ((2, "superseded"), (3, "cancelled"), (1, "superseded")):
        await store.save_tombstone(KEY, Tombstone(revision, reason), NOON)

    async with store.unit() as unit:
        assert await unit.tombstones([KEY, ("other", "account")]) == {KEY: Tombstone(3, "cancelled")}


async def test_a_message_is_remembered_once(store: Store) -> None:
    answers = []
    for message_id in ("a", "b", "a", None, None):
        async with store.unit() as unit:
            answers.append(await unit.remember(message_id, NOON))

    assert answers == [True, True, False, True, True]


def limited(account_id: str = "account", limits: str = '{"per_second": 2}') -> StoredAccount:
    return StoredAccount(account_id, "sandbox", "{}", "", limits, True, NOON)


async def test_reservations_outlive_their_transaction(store: Store) -> None:
    slots = []
    for _ in range(5):
        async with store.unit() as unit:
            buckets = await unit.buckets({"account": TWO_A_SECOND, "other": TWO_A_SECOND})
            slots.append((buckets["account"].reserve(NOON) - NOON) / SECOND)
            await unit.save_buckets(buckets)

    assert slots == [0, 0, 1.1, 1.1, 2.2]


async def test_a_transaction_that_fails_reserves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError, match="broken"):
        async with store.unit() as unit:
            buckets = await unit.buckets({"account": TWO_A_SECOND})
            buckets["account"].reserve(NOON)
            await unit.save_buckets(buckets)
            raise RuntimeError("broken")

    async with store.unit() as unit:
        assert (await unit.buckets({"account": TWO_A_SECOND}))["account"].reserved == []


async def test_an_account_is_written_and_written_over(store: Store) -> None:
    await keep(store, limited())
    await keep(store, replace(limited(), connected=False, token_expires_at=NOON))

    now_kept = replace(limited(), connected=False, token_expires_at=NOON)
    assert await store.account("account") == now_kept
    assert await store.account("other") is None
    async with store.unit() as unit:
        assert await unit.accounts(["account", "other"]) == {"account": now_kept}
        assert await unit.account_to_change("account") == now_kept
        assert await unit.account_to_change("other") is None
