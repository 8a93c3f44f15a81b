"""Many posts wait for one account's new token: one asks for it, and the others cost nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from cryptography.fernet import Fernet

from services.publisher.accounts.at_rest import AtRest
from services.publisher.accounts.connecting import Connecting
from services.publisher.accounts.credentials import forgotten, opened
from services.publisher.accounts.tokens import Tokens
from services.publisher.domain import StoredAccount
from services.publisher.platforms.base import Account, Renewed
from services.publisher.platforms.errors import PlatformError, Unauthorized, Unavailable
from services.publisher.store import Store
from shared.events.publisher import AccountRefreshRequested
from shared.messaging.envelope import Delivery
from shared.messaging.verdict import TryAgain
from shared.secrets.sealing import SealingKey
from shared.secrets.vault import Vault
from tests.fakes.clock import FakeClock
from tests.fakes.platform import FakePlatform
from tests.support.publications import NOON, SECOND, keep
from tests.support.statements import counted_statements

WAITERS = 50
FOR_ONE_RENEWAL = 12
"""Statements, those that begin transactions included."""
VAULT = Vault.from_keys(Fernet.generate_key().decode())


@dataclass
class TokenServer(FakePlatform):
    """Answers no renewal of these accounts before it is told to."""

    hanging: set[str] = field(default_factory=lambda: {"slow"})
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    error: PlatformError | None = None
    asked: list[str] = field(default_factory=list)

    def can_refresh(self, account: Account) -> bool:
        """Its tokens end."""
        return True

    async def refresh(self, account: Account, now: datetime) -> Renewed:
        """A new token, or the error."""
        self.asked.append(account.account_id)
        self.was_asked.set()
        if account.account_id in self.hanging:
            await self.answers.wait()
        if self.error:
            raise self.error
        return Renewed({"access_token": "new"}, now + timedelta(hours=1))


def replica(store: Store, server: TokenServer, clock: FakeClock) -> Tokens:
    return Tokens(AtRest(store), {server.name: server}, VAULT, clock, timeout=timedelta(seconds=60))


async def an_account(store: Store, account_id: str) -> StoredAccount:
    account = StoredAccount(account_id, "fake", "{}", VAULT.encrypt({"access_token": "old"}), "{}", True, NOON)
    await keep(store, account)
    return account


@asynccontextmanager
async def waiting(tokens: Tokens, account: StoredAccount) -> AsyncIterator[list[asyncio.Task[StoredAccount]]]:
    """Posts that wait for the account's new token, once the token server has been asked for it."""
    server = tokens.platforms["fake"]
    assert isinstance(server, TokenServer)
    posts = [asyncio.create_task(tokens.renewed(account)) for _ in range(WAITERS)]
    await server.was_asked.wait()
    yield posts
    await asyncio.gather(*posts, return_exceptions=True)


async def a_second_passes(clock: FakeClock) -> None:
    """Until whoever looked again has done so and sleeps."""
    clock.advance(SECOND)
    for _ in range(3):
        await asyncio.sleep(0)
    await clock.until_asleep()


async def test_who_waits_for_a_hanging_token_server_costs_the_database_nothing(store: Store) -> None:
    clock, server = FakeClock(NOON), TokenServer()
    tokens, account = replica(store, server, clock), await an_account(store, "slow")

    with counted_statements() as statements:
        async with waiting(tokens, account) as posts:
            server.answers.set()

    assert server.asked == ["slow"]
    assert len(statements) <= FOR_ONE_RENEWAL
    assert {opened(post.result(), VAULT).credentials["access_token"] for post in posts} == {"new"}


async def test_another_replica_looks_rarely_and_takes_what_the_first_got(two_stores: tuple[Store, Store]) -> None:
    clock, server = FakeClock(NOON), TokenServer()
    first, second = (replica(store, server, clock) for store in two_stores)
    account = await an_account(two_stores[0], "slow")

    async with waiting(first, account):
        others = [asyncio.create_task(second.renewed(account)) for _ in range(WAITERS)]
        await clock.until_asleep()
        with counted_statements() as statements:
            for _ in range(20):
                await a_second_passes(clock)
        server.answers.set()
        while not all(other.done() for other in others):
            clock.advance(SECOND)
            await asyncio.sleep(0.001)

    assert server.asked == ["slow"]
    assert len(statements) <= 10
    assert {opened(other.result(), VAULT).credentials["access_token"] for other in others} == {"new"}


async def test_other_accounts_are_not_held_up(store: Store) -> None:
    server = TokenServer()
    tokens, slow, quick = (
        replica(store, server, FakeClock(NOON)),
        await an_account(store, "slow"),
        await an_account(store, "quick"),
    )

    async with waiting(tokens, slow):
        renewed = await tokens.renewed(quick)
        server.answers.set()

    assert opened(renewed, VAULT).credentials["access_token"] == "new"


async def test_requests_for_a_token_server_that_hangs_leave_room_for_others(store: Store) -> None:
    """Ten wait for it at a time; the messages of the others rest."""
    names = [f"slow-{number}" for number in range(12)]
    server, clock = TokenServer(hanging=set(names)), FakeClock(NOON)
    tokens = replica(store, server, clock)
    connecting = Connecting(store, tokens, VAULT, SealingKey.generate(), clock)
    for name in (*names, "quick"):
        await keep(
            store,
            replace(await an_account(store, name), settings=json.dumps({"server": f"https://{name[:4]}.example"})),
        )

    async def refresh(name: str) -> None:
        requested = AccountRefreshRequested(account_id=name)
        await connecting.on_account_refresh_requested(Delivery(requested, None, "correlation"))

    asked = [asyncio.create_task(refresh(name)) for name in names]
    rested, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    await refresh("quick")
    server.answers.set()
    ended = await asyncio.gather(*asked, return_exceptions=True)

    assert rested
    assert [type(one) for one in ended if one is not None] == [TryAgain] * 2
    assert connecting.refreshing == {}


async def test_a_post_that_stops_waiting_does_not_cut_the_renewal_short(store: Store) -> None:
    """A refresh token may be used up by then: what the network answers is the only one that there is."""
    server = TokenServer()
    tokens, account = replica(store, server, FakeClock(NOON)), await an_account(store, "slow")

    async with waiting(tokens, account) as posts:
        for post in posts:
            post.cancel()
        server.answers.set()
    await tokens.finish()

    kept = await store.account("slow")
    assert kept is not None
    assert opened(kept, VAULT).credentials["access_token"] == "new"


async def test_all_are_told_why_there_is_no_new_token(store: Store) -> None:
    server = TokenServer(error=Unavailable("HTTP 503"))
    tokens, account = replica(store, server, FakeClock(NOON)), await an_account(store, "slow")

    async with waiting(tokens, account) as posts:
        server.answers.set()

    assert {type(post.exception()) for post in posts} == {Unavailable}
    assert server.asked == ["slow"]
    with pytest.raises(Unavailable):
        await tokens.renewed(account)
    assert server.asked == ["slow", "slow"]


async def test_a_post_whose_account_is_disconnected_while_it_waits_gets_no_account_without_secrets(
    store: Store,
) -> None:
    """It is held until the account is connected, in place of failing for credentials that are missing."""
    clock, server = FakeClock(NOON), TokenServer()
    tokens, account = replica(store, server, clock), await an_account(store, "slow")

    post = asyncio.create_task(tokens.renewed(account))
    await server.was_asked.wait()
    await keep(store, forgotten(account, VAULT, NOON))
    server.answers.set()

    with pytest.raises(Unauthorized, match="not connected"):
        await post
