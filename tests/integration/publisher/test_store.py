"""The store's guards: what may be begun, what may be told, and what is never taken back."""

from dataclasses import replace
from typing import Any

import pytest

from services.publisher.domain import Publication
from services.publisher.sending.evidence import Attempt, Evidence
from services.publisher.store import Store
from shared.events.progress import State
from tests.support.publications import NOON, SECOND, a_publication, a_stored_account, an_attempt, keep

KEY = ("post", "account")


async def having(store: Store, *attempts: Attempt, **changes: Any) -> Publication:
    """A post that we have claimed, as the database has it."""
    publication = a_publication(**{"claim_token": "mine"} | changes)
    await keep(store, a_stored_account())
    async with store.unit() as unit:
        await unit.save([publication])
        await unit.save_attempts(attempts)
    return publication


async def kept(store: Store) -> Publication:
    async with store.unit() as unit:
        return (await unit.publications([KEY]))[KEY]


async def evidence(store: Store) -> list[Evidence]:
    async with store.unit() as unit:
        return [attempt.evidence for attempt in (await unit.attempts([KEY]))[KEY]]


async def begin(store: Store, publication: Publication) -> bool:
    async with store.unit() as unit:
        return bool(await unit.begin([publication], NOON))


async def finish(store: Store, publication: Publication, state: State, *, stands: bool = False) -> bool:
    async with store.unit() as unit:
        return bool(await unit.finish([(replace(publication, state=state, claim_token=None), "mine", stands)]))


async def test_what_is_ours_is_begun(store: Store) -> None:
    publication = await having(store)

    assert await begin(store, publication)
    assert ((await kept(store)).state, (await kept(store)).claim_token) == (State.SENDING, "mine")


@pytest.mark.parametrize(
    "now",
    [{"claim_token": "theirs"}, {"claim_token": None}, {"withdrawn": 1, "withdrawn_because": "cancelled"}],
    ids=["another sender has it", "it is settled", "it was withdrawn"],
)
async def test_what_has_changed_meanwhile_is_not_begun(store: Store, now: dict[str, Any]) -> None:
    publication = await having(store)
    await having(store, **now)

    assert not await begin(store, publication)
    assert (await kept(store)).state != State.SENDING


async def test_nothing_is_begun_on_an_account_that_is_closed_until_it_opens(store: Store) -> None:
    publication = await having(store)
    async with store.unit() as unit:
        await unit.close_accounts("account", NOON + SECOND, whole_app=False)

    assert not await begin(store, publication)
    async with store.unit() as unit:
        assert await unit.begin([publication], NOON + SECOND) == {"mine"}


async def test_of_two_claims_on_one_post_the_later_begins(store: Store) -> None:
    await having(store, claim_token="second")
    first, second = a_publication(claim_token="first"), a_publication(claim_token="second")

    async with store.unit() as unit:
        assert await unit.begin([first, second], NOON) == {"second"}


@pytest.mark.parametrize("state", [State.FAILED, State.HELD, State.SKIPPED, State.RETRYING, State.UNKNOWN])
async def test_an_outcome_under_a_claim_that_was_lost_does_not_count(store: Store, state: State) -> None:
    publication = await having(store)
    await having(store, claim_token="theirs")

    assert not await finish(store, publication, state, stands=True)
    assert (await kept(store)).claim_token == "theirs"


@pytest.mark.parametrize("token", ["mine", "theirs", None])
async def test_that_it_is_published_counts_whoever_has_the_claim(store: Store, token: str | None) -> None:
    publication = await having(store)
    await having(store, claim_token=token)

    assert await finish(store, publication, State.PUBLISHED, stands=True)
    assert ((await kept(store)).state, (await kept(store)).claim_token) == (State.PUBLISHED, None)


@pytest.mark.parametrize("state", list(State))
async def test_what_is_published_stays_published(store: Store, state: State) -> None:
    publication = await having(store)
    await having(store, state=State.PUBLISHED)

    assert not await finish(store, publication, state, stands=True)
    assert (await kept(store)).state == State.PUBLISHED


@pytest.mark.parametrize(
    ("state", "stands", "counts"),
    [
        (State.RETRYING, False, False),
        (State.FAILED, False, False),
        (State.HELD, False, False),
        (State.SKIPPED, False, False),
        (State.RETRYING, True, True),
        (State.UNKNOWN, True, True),
        (State.PUBLISHED, True, True),
    ],
)
async def test_of_a_post_that_was_withdrawn_meanwhile_only_what_is_true_is_told(
    store: Store, state: State, stands: bool, counts: bool
) -> None:
    publication = await having(store)
    await having(store, withdrawn=1, withdrawn_because="cancelled")

    assert await finish(store, publication, state, stands=stands) is counts


async def test_what_answers_a_withdrawal_is_told(store: Store) -> None:
    """A post that was skipped for another reason is claimed again, for whoever withdrew it waits for an answer."""
    await having(store)
    publication = await having(store, withdrawn=1, withdrawn_because="cancelled")

    assert await finish(store, publication, State.SKIPPED)


async def test_a_withdrawal_that_came_too_late_is_answered_by_what_stands_and_forgotten(store: Store) -> None:
    publication = await having(store)
    await having(store, withdrawn=1, withdrawn_because="cancelled")

    await finish(store, publication, State.RETRYING, stands=True)

    assert ((await kept(store)).withdrawn, (await kept(store)).state) == (0, State.RETRYING)


@pytest.mark.parametrize("later", list(Evidence))
async def test_an_attempt_that_has_landed_never_leaves_that(store: Store, later: Evidence) -> None:
    await having(store, an_attempt(Evidence.LANDED))

    async with store.unit() as unit:
        await unit.save_attempts([an_attempt(later)])

    assert await evidence(store) == [Evidence.LANDED]


async def test_attempts_come_oldest_first_with_the_evidence_they_have_come_to(store: Store) -> None:
    await having(store, an_attempt(number=11), an_attempt(number=2), an_attempt(Evidence.REFUSED, number=1))

    async with store.unit() as unit:
        await unit.save_attempts([an_attempt(Evidence.UNKNOWN, number=2)])

    assert await evidence(store) == [Evidence.REFUSED, Evidence.UNKNOWN, Evidence.OPEN]


async def test_attempts_of_other_posts_and_accounts_are_apart(store: Store) -> None:
    await having(store, an_attempt(), an_attempt(account_id="other"), an_attempt(post_id="other"))

    async with store.unit() as unit:
        found = await unit.attempts([KEY, ("nobody", "account")])

    assert {key: len(attempts) for key, attempts in found.items()} == {KEY: 1}


@pytest.mark.parametrize(("whole_app", "closed"), [(False, {"account"}), (True, {"account", "sibling"})])
async def test_an_account_is_closed_alone_or_with_those_of_its_app(
    store: Store, whole_app: bool, closed: set[str]
) -> None:
    for name, app in {"account": "ours", "sibling": "ours", "stranger": "theirs"}.items():
        await keep(store, a_stored_account(account_id=name, app=app))

    async with store.unit() as unit:
        await unit.close_accounts("account", NOON, whole_app=whole_app)
        await unit.close_accounts("account", NOON - SECOND, whole_app=whole_app)
        found = await unit.accounts(["account", "sibling", "stranger"])

    assert {name for name, account in found.items() if account.closed_until == NOON} == closed
    assert found["stranger"].closed_until is None


async def test_what_is_made_is_not_made_again(store: Store) -> None:
    async with store.unit() as unit:
        assert await unit.make([a_publication(post_id="two"), a_publication()]) == {KEY, ("two", "account")}
    async with store.unit() as unit:
        assert await unit.make([a_publication(state=State.FAILED)]) == set()

    assert (await kept(store)).state != State.FAILED
