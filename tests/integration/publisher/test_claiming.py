"""Deliveries take posts over, many at a time: each becomes the one case that may go on, or one that may not."""

import asyncio
from typing import Any

import pytest
from cryptography.fernet import Fernet

from services.publisher.domain import CLAIMED
from services.publisher.restored import mark_restored
from services.publisher.sending.case import Case
from services.publisher.sending.claiming import Claims
from services.publisher.sending.evidence import Attempt, Evidence, Standing
from services.publisher.sending.taking import revived
from services.publisher.store import Store
from shared.events.progress import State
from shared.secrets.vault import Vault
from tests.fakes.clock import FakeClock
from tests.fakes.platform import FakePlatform
from tests.support.publications import (
    NOON,
    SECOND,
    a_publication,
    a_stored_account,
    an_attempt,
    delivered,
    keep,
    requested,
)

VAULT = Vault.from_keys(Fernet.generate_key().decode())
KEY = ("post", "account")
RESTORED_AT = NOON + 3600 * SECOND
AFTER_THE_LEASE = an_attempt().lease_until


def claims(store: Store, *, now: Any = NOON) -> Claims:
    return Claims(store, FakeClock(now), {"fake": FakePlatform()}, VAULT)


async def connected(store: Store, **changes: Any) -> None:
    await keep(store, a_stored_account(credentials=VAULT.encrypt({}), **changes))


async def having(store: Store, *attempts: Attempt, **changes: Any) -> None:
    await connected(store)
    async with store.unit() as unit:
        await unit.save([a_publication(**changes)])
        await unit.save_attempts(attempts)


async def is_kept(store: Store, case: Case) -> None:
    """What the case says is what the database says."""
    async with store.unit() as unit:
        kept = (await unit.publications([KEY]))[KEY]
        attempts = (await unit.attempts([KEY])).get(KEY, ())
    assert (kept.state, kept.claim_token, kept.revision, kept.tries) == (
        case.publication.state, case.publication.claim_token, case.publication.revision, case.publication.tries,
    )  # fmt: skip
    assert attempts == case.committed == case.attempts


async def test_a_post_that_is_seen_for_the_first_time_is_ours(store: Store) -> None:
    await connected(store)

    case = await claims(store).claim(delivered())

    assert case.is_ours
    assert (case.problem, case.publication.state, case.publication.platform) == (None, CLAIMED, "fake")
    await is_kept(store, case)


@pytest.mark.parametrize("state", [CLAIMED, State.RETRYING, State.SENDING])
async def test_a_redelivery_takes_over_what_is_not_on_its_way(store: Store, state: str) -> None:
    await having(store, an_attempt(Evidence.REFUSED), state=state, tries=1)

    case = await claims(store).claim(delivered())

    assert case.is_ours
    await is_kept(store, case)


async def test_a_redelivery_leaves_what_is_on_its_way(store: Store) -> None:
    await having(store, an_attempt(), state=State.SENDING)

    case = await claims(store).claim(delivered())

    assert not case.is_ours
    assert case.standing(NOON) is Standing.ON_ITS_WAY


@pytest.mark.parametrize(("evidence", "is_ours"), [(Evidence.REFUSED, True), (Evidence.UNKNOWN, False)])
async def test_a_newer_revision_takes_over_only_where_nothing_is_out(
    store: Store, evidence: Evidence, is_ours: bool
) -> None:
    await having(store, an_attempt(evidence), state=State.RETRYING, tries=1)

    case = await claims(store).claim(delivered(requested(revision=2)))

    assert case.is_ours is is_ours
    assert case.publication.revision == (2 if is_ours else 1)
    if is_ours:
        await is_kept(store, case)


async def test_an_attempt_whose_sender_died_is_unknown_and_used_a_try(store: Store) -> None:
    await having(store, an_attempt(), state=State.SENDING)

    case = await claims(store, now=AFTER_THE_LEASE).claim(delivered())

    assert case.is_ours
    assert [attempt.evidence for attempt in case.attempts] == [Evidence.UNKNOWN]
    assert case.publication.tries == 1
    await is_kept(store, case)


@pytest.mark.parametrize("known", [False, True], ids=["new", "known"])
async def test_copies_of_one_request_in_one_group_make_one_case(store: Store, known: bool) -> None:
    await (having(store, state=State.RETRYING) if known else connected(store))
    ours = claims(store)

    cases = await asyncio.gather(*(ours.claim(delivered(token=token)) for token in "abc"))

    assert sum(case.publication.claim_token == case.delivered.token for case in cases) >= 1
    async with store.unit() as unit:
        holder = (await unit.publications([KEY]))[KEY].claim_token
    assert holder == cases[-1].publication.claim_token


async def test_two_revisions_in_one_group_end_at_the_newer(store: Store) -> None:
    await connected(store)
    ours = claims(store)

    old, new = await asyncio.gather(
        ours.claim(delivered(requested(revision=1), token="old")),
        ours.claim(delivered(requested(revision=2), token="new")),
    )

    assert new.is_ours
    assert old.event.revision == 1
    await is_kept(store, new)


async def test_many_posts_in_one_group_each_have_their_case(store: Store) -> None:
    await connected(store)
    ours = claims(store)
    asked = [delivered(requested(f"post {number}"), token=f"token {number}") for number in range(50)]

    cases = await asyncio.gather(*(ours.claim(one) for one in asked))

    assert [case.delivered for case in cases] == asked
    assert all(case.is_ours for case in cases)


@pytest.mark.parametrize(
    ("account", "problem"),
    [
        (None, "not connected"),
        ({"connected": False}, "not connected"),
        ({"needs_reconnect": True}, "refused by its platform"),
        ({"platform": "myspace"}, "not known to this release"),
    ],
)
async def test_what_is_wrong_with_an_account_is_said(store: Store, account: Any, problem: str) -> None:
    if account is not None:
        await connected(store, **account)

    case = await claims(store).claim(delivered())

    assert problem in (case.problem or "")


async def test_of_two_replicas_one_has_the_post(two_stores: tuple[Store, Store]) -> None:
    one, other = two_stores
    await connected(one)
    asked = [delivered(requested(f"post {number}")) for number in range(20)]

    for round_ in range(3):
        first, second = claims(one), claims(other)
        mine = [first.claim(type(ask)(ask.event, "c", f"first {round_}")) for ask in asked]
        theirs = [second.claim(type(ask)(ask.event, "c", f"second {round_}")) for ask in reversed(asked)]
        await asyncio.gather(*mine, *theirs)

    async with one.unit() as unit:
        kept = await unit.publications([ask.key for ask in asked])
        begun = await unit.begin(list(kept.values()), NOON)
    assert {publication.claim_token for publication in kept.values()} <= {"first 2", "second 2"}
    assert begun == {publication.claim_token for publication in kept.values()}


async def test_a_post_that_was_withdrawn_before_it_came_is_not_ours(store: Store) -> None:
    await having(store, state=State.SKIPPED, withdrawn=2, withdrawn_because="cancelled", revision=2, claim_token=None)

    for revision in (1, 2):
        assert not (await claims(store).claim(delivered(requested(revision=revision)))).is_ours
    assert (await claims(store).claim(delivered(requested(revision=3)))).is_ours


async def test_a_retry_that_is_far_away_is_left_to_rest(store: Store) -> None:
    await having(store, state=State.RETRYING, not_before=NOON + 60 * SECOND, claim_token=None)

    assert not (await claims(store).claim(delivered())).is_ours


@pytest.fixture
async def restored(store: Store, database_url: str) -> Store:
    """The database is a backup, restored an hour after the post was due."""
    await mark_restored(database_url, RESTORED_AT)
    return store


async def test_after_a_restore_a_post_that_was_due_before_is_held(restored: Store) -> None:
    await connected(restored)

    case = await claims(restored, now=RESTORED_AT).claim(delivered())

    assert "restored from a backup" in (case.problem or "")
    assert case.is_ours


async def test_after_a_quick_restore_a_post_that_was_due_just_before_is_held(store: Store, database_url: str) -> None:
    """A folder is copied back within seconds: the post may have gone out a moment before."""
    await connected(store)
    due_at = requested().publish_at
    await mark_restored(database_url, due_at + SECOND)

    case = await claims(store, now=due_at + 2 * SECOND).claim(delivered())

    assert "restored from a backup" in (case.problem or "")


@pytest.mark.parametrize("state", [CLAIMED, State.RETRYING])
async def test_after_a_restore_a_post_that_the_backup_has_half_way_is_held(restored: Store, state: str) -> None:
    await having(restored, an_attempt(Evidence.REFUSED), state=state, tries=1)

    case = await claims(restored, now=RESTORED_AT).claim(delivered())

    assert "restored from a backup" in (case.problem or "")


async def test_after_a_restore_a_post_is_held_also_where_the_publisher_died_on_it(
    restored: Store,
) -> None:
    await connected(restored)
    await claims(restored, now=RESTORED_AT).claim(delivered(token="theirs"))

    case = await claims(restored, now=RESTORED_AT).claim(delivered())

    assert "restored from a backup" in (case.problem or "")


async def test_after_a_restore_a_post_that_a_person_wants_tried_again_is_sent(restored: Store) -> None:
    await having(restored, state=State.HELD)
    async with restored.unit() as unit:
        await unit.save([revived(a_publication(state=State.HELD), RESTORED_AT)])

    case = await claims(restored, now=RESTORED_AT).claim(delivered())

    assert case.problem is None


async def test_after_a_restore_a_post_that_is_due_later_is_sent(restored: Store) -> None:
    await connected(restored)

    case = await claims(restored, now=RESTORED_AT + 20 * SECOND).claim(delivered(requested(publish_at=RESTORED_AT)))

    assert case.problem is None
