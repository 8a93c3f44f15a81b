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
from services.publisher.accounts.connect_lock import LOOK_EVERY, MOST_LOOKS
from services.publisher.accounts.connecting import Connecting
from services.publisher.accounts.credentials import LEASE, forgotten, opened, with_renewed
from services.publisher.accounts.facts import refreshed
from services.publisher.accounts.tokens import Tokens
from services.publisher.domain import StoredAccount
from services.publisher.platforms.base import Account, Renewed
from services.publisher.platforms.errors import PlatformError, Unauthorized, Unavailable
from services.publisher.store import Store
from shared.events.publisher import AccountRefreshRequested
from shared.messaging.envelope import Delivery, Envelope
from shared.messaging.verdict import TryAgain
from shared.secrets.sealing import SealingKey
from shared.secrets.vault import Vault
from tests.fakes.clock import FakeClock
from tests.fakes.platform import FakePlatform
from tests.support.away import Away
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


async def test_who_waits_to_write_new_tokens_is_not_passed_over_however_long_that_takes(store: Store) -> None:
    """The database comes back long after the lease has run out: both replicas find that at the same moment."""
    clock, server, away = FakeClock(NOON), TokenServer(), Away(store)
    first, second = replica(away, server, clock), replica(store, server, clock)  # type: ignore[arg-type]
    account = await an_account(store, "slow")

    writing = asyncio.create_task(first.renewed(account))
    await server.was_asked.wait()
    away.is_away = True
    server.answers.set()
    await clock.until_asleep()
    clock.advance(50 * LEASE)
    await clock.until_asleep()
    looking = asyncio.create_task(second.renewed(account))
    await clock.until_asleep(2)
    away.is_away = False
    while not (writing.done() and looking.done()):
        clock.advance(SECOND)
        await asyncio.sleep(0.01)

    assert server.asked == ["slow"]
    assert {opened(one.result(), VAULT).credentials["access_token"] for one in (writing, looking)} == {"new"}


async def test_who_died_while_renewing_is_waited_for_a_while(store: Store) -> None:
    clock, server, account = FakeClock(NOON), TokenServer(hanging=set()), await an_account(store, "account")
    assert await AtRest(store).begin(account, until=NOON + LEASE)
    clock.advance(LEASE)

    renewing = asyncio.create_task(replica(store, server, clock).renewed(account))
    for _ in range(MOST_LOOKS):
        await clock.until_awaited(clock.now() + LOOK_EVERY)
        assert server.asked == []
        clock.advance(LOOK_EVERY)
    renewed = await renewing

    assert opened(renewed, VAULT).credentials["access_token"] == "new"
    kept = await store.account("account")
    assert kept and kept.renewing_until is None


async def test_a_refusal_says_nothing_of_tokens_that_another_replica_has_written_meanwhile(store: Store) -> None:
    server, at_rest = TokenServer(error=Unauthorized("invalid_grant")), AtRest(store)
    tokens, account = replica(store, server, FakeClock(NOON)), await an_account(store, "slow")
    new = with_renewed(account, Renewed({"access_token": "newer"}, NOON + timedelta(hours=1)), VAULT)

    post = asyncio.create_task(tokens.renewed(account))
    await server.was_asked.wait()
    assert await at_rest.keep(account, new, Envelope.of(refreshed(new, NOON)))
    server.answers.set()
    got = await post

    assert opened(got, VAULT).credentials["access_token"] == "newer"
    assert not got.needs_reconnect


async def test_who_gives_a_renewal_up_too_late_does_not_end_the_next_ones_lease(store: Store) -> None:
    server, at_rest = TokenServer(error=Unavailable("HTTP 503")), AtRest(store)
    tokens, account = replica(store, server, FakeClock(NOON)), await an_account(store, "slow")

    post = asyncio.create_task(tokens.renewed(account))
    await server.was_asked.wait()
    ours = await store.account("slow")
    assert ours and await at_rest.begin(ours, until=NOON + 2 * LEASE)
    server.answers.set()
    with pytest.raises(Unavailable):
        await post

    kept = await store.account("slow")
    assert kept and kept.renewing_until == NOON + 2 * LEASE


async def test_new_tokens_are_kept_where_the_old_ones_were_encrypted_again_meanwhile(store: Store) -> None:
    server, at_rest = TokenServer(), AtRest(store)
    tokens, account = replica(store, server, FakeClock(NOON)), await an_account(store, "slow")
    anew = replace(account, credentials=VAULT.rotate(account.credentials))

    post = asyncio.create_task(tokens.renewed(account))
    await server.was_asked.wait()
    assert await at_rest.write_anew(account, anew, NOON + LEASE)
    server.answers.set()
    await post

    kept = await store.account("slow")
    assert kept and opened(kept, VAULT).credentials["access_token"] == "new"


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
