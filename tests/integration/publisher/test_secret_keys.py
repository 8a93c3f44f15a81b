"""Secret keys: a wrong one is told and loses nothing, and an old one can be dropped once secrets are encrypted anew."""

import asyncio
from dataclasses import replace

import pytest
from cryptography.fernet import Fernet

from services.publisher.accounts.at_rest import AtRest
from services.publisher.accounts.credentials import opened
from services.publisher.accounts.secret_keys import SecretKeys
from services.publisher.domain import StoredAccount
from services.publisher.platforms.errors import Rejected
from services.publisher.sending.claiming import Claims
from services.publisher.sending.next_step import next_step
from services.publisher.sending.steps import Settle
from services.publisher.store import Store
from shared.events.keys import KeysRotateRequested
from shared.events.publisher import AccountRefreshRequested, PublishHeld
from shared.messaging.envelope import Delivery
from tests.integration.publisher.test_connecting import Desk, Network
from tests.support.publications import NOON, SECOND, delivered

OLD, NEW, FOREIGN = (Fernet.generate_key().decode() for _ in range(3))
TOKENS = {"refresh_token": "first"}


def keys_of(desk: Desk) -> SecretKeys:
    return SecretKeys(AtRest(desk.store), desk.connecting.vault, desk.clock, "publisher")


async def rotate(desk: Desk) -> None:
    await keys_of(desk).on_keys_rotate_requested(Delivery(KeysRotateRequested(), None, "correlation"))


async def refresh(desk: Desk) -> None:
    requested = AccountRefreshRequested(account_id="account")
    await desk.connecting.on_account_refresh_requested(Delivery(requested, None, "correlation"))


async def a_desk(store: Store, *, keys: str = OLD) -> Desk:
    """A replica at which an account with renewed tokens was connected."""
    desk = Desk.at(store, keys=keys)
    await desk.connecting.on_account_connect_requested(desk.request(TOKENS))
    return desk


async def test_the_old_key_can_be_dropped_once_secrets_are_encrypted_anew(store: Store) -> None:
    before = await (await a_desk(store)).credentials()

    both = Desk.at(store, keys=f"{NEW},{OLD}")
    await rotate(both)

    assert await Desk.at(store, keys=NEW).credentials() == before
    with pytest.raises(Rejected):
        await Desk.at(store, keys=OLD).credentials()
    kind, told = (await both.told())[-1]
    assert (kind, told["service"], told["rotated"], told["unreadable"]) == ("keys.rotated", "publisher", 1, [])


async def test_a_secret_that_no_key_fits_is_named_and_left_as_it_is(store: Store) -> None:
    before = await (await a_desk(store)).row()

    await rotate(desk := Desk.at(store, keys=f"{NEW},{FOREIGN}"))

    _, told = (await desk.told())[-1]
    assert (told["rotated"], told["unreadable"]) == (0, ["account"])
    assert await desk.row() == before


async def test_more_accounts_than_are_read_at_a_time_are_all_encrypted_anew(store: Store) -> None:
    row = await (await a_desk(store)).row()
    async with store.unit() as unit:
        for number in range(250):
            await unit.save_account(replace(row, account_id=f"a-{number}"))

    await rotate(desk := Desk.at(store, keys=f"{NEW},{OLD}"))

    _, told = (await desk.told())[-1]
    assert told["rotated"] == 251
    assert await keys_of(Desk.at(store, keys=NEW)).problem() is None


async def test_a_renewal_under_way_keeps_the_texts_it_began_with(store: Store) -> None:
    """It writes its tokens over these texts alone; under others they would be lost."""
    desk = await a_desk(store)
    leased = replace(await desk.row(), renewing_until=desk.clock.now() + 20 * SECOND)
    async with store.unit() as unit:
        await unit.save_account(leased)
    both = Desk.at(store, keys=f"{NEW},{OLD}")

    rotating = asyncio.create_task(rotate(both))
    await asyncio.wait({rotating}, timeout=0.3)
    assert (await desk.row()).credentials == leased.credentials
    await both.passing(rotating)

    assert (await Desk.at(store, keys=NEW).credentials())["refresh_token"] == "refresh-1"


async def test_secrets_encrypted_anew_are_no_newer_tokens(store: Store) -> None:
    """A post that had read the account before asks for newer tokens than those that it was refused with."""
    before = await (await a_desk(store)).row()
    both = Desk.at(store, keys=f"{NEW},{OLD}")
    await rotate(both)

    renewed = await both.connecting.tokens.renewed(before)

    assert opened(renewed, both.connecting.vault).credentials["access_token"] == "access-1"
    assert both.network.refreshes == ["refresh-1"]


async def test_a_wrong_key_is_told_once_and_so_is_the_right_one(store: Store) -> None:
    await a_desk(store)
    wrong, right = Desk.at(store, keys=FOREIGN), Desk.at(store, keys=OLD)

    for desk in (right, wrong, wrong, right, right):
        await keys_of(desk).look()

    _, (failed, told), (again, healed) = await right.told()
    assert (failed, told["error"]["code"], told["needs_reconnect"]) == (
        "account.refresh_failed",
        "unreadable_credentials",
        False,
    )
    assert "TIMEBALL_SECRET_KEYS" in told["error"]["message"]
    assert (again, healed["token_expires_at"] is not None) == ("account.refreshed", True)


async def test_a_publisher_with_wrong_keys_is_not_ready(store: Store) -> None:
    none_yet = await keys_of(Desk.at(store, keys=FOREIGN)).problem()
    await a_desk(store)

    wrong, right = [await keys_of(Desk.at(store, keys=keys)).problem() for keys in (FOREIGN, f"{NEW},{OLD}")]

    assert (none_yet, right) == (None, None)
    assert wrong == "none of TIMEBALL_SECRET_KEYS fits the credentials of any account (1)"


async def test_with_a_wrong_key_a_due_post_is_held_with_the_way_out(store: Store) -> None:
    await a_desk(store)
    desk = Desk.at(store, keys=FOREIGN)
    claims = Claims(store, desk.clock, {"fake": desk.network}, desk.connecting.vault)

    step = next_step(await claims.claim(delivered()), NOON)

    assert isinstance(step, Settle)
    (held,) = step.outcome.told
    assert isinstance(held, PublishHeld)
    assert "TIMEBALL_SECRET_KEYS" in held.reason


async def test_a_refresh_that_cannot_read_the_tokens_says_so_and_asks_nobody(store: Store) -> None:
    await a_desk(store)
    network = Network()

    await refresh(desk := Desk.at(store, network, keys=FOREIGN))

    kind, told = (await desk.told())[-1]
    assert (kind, told["error"]["code"]) == ("account.refresh_failed", "unreadable_credentials")
    assert network.refreshes == []
    assert not (await desk.row()).needs_reconnect


async def test_a_lost_key_does_not_end_an_account_that_needs_a_person_anyway(store: Store) -> None:
    desk = await a_desk(store)
    refused: StoredAccount = replace(await desk.row(), needs_reconnect=True)
    async with store.unit() as unit:
        await unit.save_account(refused)

    await keys_of(Desk.at(store, keys=FOREIGN)).look()

    assert (await desk.told())[-1][1]["needs_reconnect"] is True
