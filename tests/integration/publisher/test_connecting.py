"""Connecting accounts: the credentials are tried first, the later request counts, and what works stays as it was."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from services.publisher.accounts.at_rest import AtRest
from services.publisher.accounts.connecting import Connecting
from services.publisher.accounts.credentials import opened, with_renewed
from services.publisher.accounts.facts import refreshed
from services.publisher.accounts.tokens import Tokens
from services.publisher.domain import StoredAccount
from services.publisher.platforms.base import Account, Renewed
from services.publisher.platforms.errors import NotSent, PlatformError, RateLimited, Unauthorized, Unavailable
from services.publisher.store import Store, Unit
from services.publisher.tables import accounts, outbox
from shared.events.requests import AccountConnectRequested, AccountDisconnectRequested
from shared.messaging.envelope import Delivery, Envelope
from shared.secrets.sealing import SealingKey, seal
from shared.secrets.vault import Vault
from tests.fakes.platform import FakePlatform
from tests.fakes.running_clock import RunningClock
from tests.support.publications import SECOND

SEALING_KEY, OTHER_KEY = SealingKey.generate(), SealingKey.generate()
KEYS = Fernet.generate_key().decode()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WRONG = Unauthorized("credentials.token: the password is wrong", code="wrong_password")


@dataclass
class Network(FakePlatform):
    """Answers trials as it is told; a token that ends it gives anew, each refresh token once."""

    handles: ClassVar[tuple[str, ...]] = ("handle",)
    verdicts: deque[PlatformError | None] = field(default_factory=deque)
    tried: list[str] = field(default_factory=list)
    slow: dict[str, asyncio.Event] = field(default_factory=dict)
    is_tried: asyncio.Event = field(default_factory=asyncio.Event)
    refreshes: list[str] = field(default_factory=list)
    refusal: PlatformError | None = None
    token_takes: timedelta = timedelta(0)
    is_refreshing: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event | None = None

    async def verify(self, account: Account) -> None:
        """The next verdict, or that all is well."""
        token = account.credentials.get("access_token") or account.credentials["token"]
        self.tried.append(token)
        self.is_tried.set()
        if token in self.slow:
            await self.slow[token].wait()
        if self.verdicts and (error := self.verdicts.popleft()):
            raise error

    def can_refresh(self, account: Account) -> bool:
        """Where there is a refresh token."""
        return "refresh_token" in account.credentials

    def token_expires_at(self, account: Account) -> datetime | None:
        """At once where there is none yet."""
        needs_one = self.can_refresh(account) and "access_token" not in account.credentials
        return datetime.fromisoformat("2000-01-01T00:00+00:00") if needs_one else None

    async def refresh(self, account: Account, now: datetime) -> Renewed:
        """A new pair of tokens."""
        if self.refusal:
            raise self.refusal
        used = account.credentials["refresh_token"]
        if used in self.refreshes:
            raise Unauthorized("the refresh token was used before")
        self.refreshes.append(used)
        number = len(self.refreshes)
        self.is_refreshing.set()
        if self.may_answer:
            await self.may_answer.wait()
        await asyncio.sleep(self.token_takes.total_seconds())
        return Renewed({"access_token": f"access-{number}", "refresh_token": f"refresh-{number}"}, now + DAY)


@dataclass
class Desk:
    """One replica's reactions to requests about accounts."""

    store: Store
    network: Network
    connecting: Connecting
    clock: RunningClock

    @classmethod
    def at(cls, store: Store, network: Network | None = None, *, keys: str = KEYS) -> "Desk":
        network, clock, vault = network or Network(), RunningClock(), Vault.from_keys(keys)
        tokens = Tokens(AtRest(store), {"fake": network}, vault, clock, timeout=10 * SECOND)
        connecting = Connecting(store, tokens, vault, SEALING_KEY, clock, try_for=5 * SECOND)
        return cls(store, network, connecting, clock)

    async def connect(self, token: str = "good", **more: Any) -> None:
        await self.connecting.on_account_connect_requested(self.request({"token": token}, **more))

    def request(
        self,
        credentials: dict[str, str],
        *,
        sent_at: datetime | None = None,
        message_id: str | None = None,
        **more: Any,
    ) -> Delivery[AccountConnectRequested]:
        sealed = seal(credentials, SEALING_KEY.public_key)
        usual = {"account_id": "account", "platform": "fake", "sealed_credentials": sealed}
        event = AccountConnectRequested.model_validate(usual | more)
        return Delivery(event, message_id, "correlation", sent_at=sent_at)

    async def disconnect(self, *, requested_at: datetime | None = None) -> None:
        event = AccountDisconnectRequested(account_id="account", requested_at=requested_at)
        await self.connecting.on_account_disconnect_requested(Delivery(event, None, "correlation"))

    async def row(self) -> StoredAccount:
        account = await self.store.account("account")
        assert account is not None
        return account

    async def credentials(self) -> dict[str, Any]:
        return dict(opened(await self.row(), self.connecting.vault).credentials)

    async def told(self) -> list[tuple[str, dict[str, Any]]]:
        async with self.store.unit() as unit:
            rows = await unit.connection.execute(select(outbox.c.type, outbox.c.body).order_by(outbox.c.created_at))
            return [(row.type, json.loads(row.body)) for row in rows]

    async def kinds(self) -> list[str]:
        return [kind for kind, _ in await self.told()]

    async def passing(self, *tasks: asyncio.Task[None]) -> None:
        """Let the pauses between trials pass at once."""
        while not all(task.done() for task in tasks):
            self.clock.put_forward(SECOND)
            await asyncio.sleep(0.002)
        await asyncio.gather(*tasks)


@dataclass
class Away:
    """A store whose database is away for so many transactions, once a token has been got."""

    store: Store
    network: Network
    units: int

    async def account(self, account_id: str) -> StoredAccount | None:
        return await self.store.account(account_id)

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[Unit]:
        if self.network.refreshes and self.units:
            self.units -= 1
            raise ConnectionError("the database is away")
        async with self.store.unit() as unit:
            yield unit


async def test_credentials_are_kept_encrypted_and_can_be_opened(store: Store) -> None:
    desk = Desk.at(store)

    await desk.connect("hunter2")

    async with store.unit() as unit:
        (row,) = (await unit.connection.execute(select(accounts))).mappings()
    assert "hunter2" not in str(dict(row))
    assert await desk.credentials() == {"token": "hunter2"}
    assert await desk.kinds() == ["account.connected"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"platform": "myspace"}, "unknown_platform"),
        ({"sealed_credentials": "not sealed at all"}, "unreadable_credentials"),
        ({"sealed_credentials": seal({"token": "hunter2"}, OTHER_KEY.public_key)}, "unreadable_credentials"),
    ],
    ids=["unknown platform", "not sealed", "sealed for another key"],
)
async def test_an_account_that_cannot_work_is_refused_and_the_known_one_kept(
    store: Store, changes: dict[str, Any], code: str
) -> None:
    desk = Desk.at(store)
    await desk.connect()
    before = await desk.row()

    await desk.connect("hunter2", **changes)

    _, (kind, refused) = await desk.told()
    assert (kind, refused["error"]["code"]) == ("account.connect_failed", code)
    assert "hunter2" not in str(refused)
    assert await desk.row() == before


async def test_wrong_credentials_are_told_and_what_works_stays_exactly_as_it_was(store: Store) -> None:
    desk = Desk.at(store)
    await desk.connect("good", settings={"handle": "me"})
    before = await desk.row()
    desk.network.verdicts.append(WRONG)

    await desk.connect("wrong", settings={"handle": "you"})

    _, (kind, refused) = await desk.told()
    assert (kind, refused["error"]["message"]) == ("account.connect_failed", "credentials.token: the password is wrong")
    assert (kind, refused["error"]["code"], desk.network.tried) == (kind, "wrong_password", ["good", "wrong"])
    assert await desk.row() == before


async def test_an_account_that_never_worked_is_not_kept(store: Store) -> None:
    desk = Desk.at(store)
    desk.network.verdicts.append(WRONG)

    await desk.connect("wrong")

    assert await store.account("account") is None
    assert await desk.kinds() == ["account.connect_failed"]


async def test_what_is_plainly_meant_is_what_is_kept(store: Store) -> None:
    desk = Desk.at(store)

    await desk.connect("  good\n", settings={"handle": "\u202a@me\u202c"})

    assert await desk.credentials() == {"token": "good"}
    assert json.loads((await desk.row()).settings) == {"handle": "me"}


@pytest.mark.parametrize("error", [NotSent("no such host"), Unavailable("HTTP 403: a proxy's page")])
async def test_a_network_that_cannot_be_asked_changes_nothing_and_is_told(store: Store, error: PlatformError) -> None:
    desk = Desk.at(store)
    await desk.connect("good")
    before = await desk.row()
    desk.network.verdicts.extend([error] * 3)

    await desk.passing(asyncio.create_task(desk.connect("new")))

    _, (kind, refused) = await desk.told()
    assert kind == "account.connect_failed"
    assert "could not be tried" in refused["error"]["message"]
    assert error.detail.message in refused["error"]["message"]
    assert await desk.row() == before


async def test_the_network_is_asked_again_after_a_moment(store: Store) -> None:
    desk = Desk.at(store)
    desk.network.verdicts.extend([NotSent("no route to host"), Unavailable("HTTP 503"), None])

    await desk.passing(asyncio.create_task(desk.connect("good")))

    assert desk.network.tried == ["good"] * 3
    assert await desk.kinds() == ["account.connected"]


async def test_a_network_that_hangs_is_told_within_the_time_that_there_is(store: Store) -> None:
    desk = Desk.at(store)
    desk.connecting = replace(desk.connecting, try_for=timedelta(seconds=0.2))
    desk.network.slow["good"] = asyncio.Event()

    await desk.connect("good")

    ((kind, refused),) = await desk.told()
    assert (kind, "no answer within 0.2 s" in refused["error"]["message"]) == ("account.connect_failed", True)


async def test_a_limit_is_no_verdict_on_credentials(store: Store) -> None:
    desk = Desk.at(store)
    desk.network.verdicts.append(RateLimited("25 requests a day", retry_after=DAY))

    await desk.connect("good")

    assert await desk.kinds() == ["account.connected"]


async def test_the_first_token_is_got_before_anything_is_kept(store: Store) -> None:
    desk = Desk.at(store)

    await desk.connecting.on_account_connect_requested(desk.request({"refresh_token": "first"}))

    assert (desk.network.refreshes, desk.network.tried) == (["first"], ["access-1"])
    assert (await desk.credentials())["refresh_token"] == "refresh-1"
    assert await desk.kinds() == ["account.connected"]


async def test_a_token_that_was_given_says_enough_where_the_network_can_say_no_more(store: Store) -> None:
    """To be told to try again would not help: the refresh token is used up."""
    desk = Desk.at(store)
    desk.network.verdicts.extend([Unavailable("HTTP 503")] * 3)

    await desk.passing(
        asyncio.create_task(desk.connecting.on_account_connect_requested(desk.request({"refresh_token": "first"})))
    )

    assert (await desk.credentials())["refresh_token"] == "refresh-1"
    assert await desk.kinds() == ["account.connected"]


async def test_refused_tokens_are_told_and_not_kept(store: Store) -> None:
    desk = Desk.at(store, Network(refusal=Unauthorized("invalid_grant")))

    await desk.connecting.on_account_connect_requested(desk.request({"refresh_token": "first"}))

    assert await store.account("account") is None
    ((kind, refused),) = await desk.told()
    assert (kind, refused["error"]["message"]) == (
        "account.connect_failed",
        "credentials.refresh_token: invalid_grant",
    )


async def test_a_token_that_is_refused_is_renewed_once_and_tried_again(store: Store) -> None:
    desk = Desk.at(store)
    desk.network.verdicts.append(WRONG)

    await desk.connecting.on_account_connect_requested(desk.request({"access_token": "old", "refresh_token": "first"}))

    assert (desk.network.tried, desk.network.refreshes) == (["old", "access-1"], ["first"])
    assert (await desk.credentials())["access_token"] == "access-1"


async def test_tokens_renewed_while_trying_are_not_lost_for_an_account_that_goes_on(store: Store) -> None:
    """The trial used up the refresh token that the stored account lives on."""
    desk = Desk.at(store)
    request = desk.request({"refresh_token": "first"})
    await desk.connecting.on_account_connect_requested(request)
    async with store.unit() as unit:
        await unit.save_account(replace(await desk.row(), token_expires_at=desk.clock.now()))
    desk.network.verdicts.append(WRONG)

    await desk.connecting.on_account_connect_requested(request)

    assert desk.network.refreshes == ["first", "refresh-1"]
    assert (await desk.credentials())["refresh_token"] == "refresh-2"
    assert (await desk.row()).renewing_until is None
    assert await desk.kinds() == ["account.connected", "account.refreshed", "account.connect_failed"]


async def test_a_trial_waits_for_the_renewal_of_a_token_that_it_needs(store: Store) -> None:
    desk = Desk.at(store)
    request = desk.request({"refresh_token": "first"})
    await desk.connecting.on_account_connect_requested(request)
    leased = replace(await desk.row(), token_expires_at=desk.clock.now(), renewing_until=desk.clock.now() + 3 * SECOND)
    async with store.unit() as unit:
        await unit.save_account(leased)

    await desk.passing(asyncio.create_task(desk.connecting.on_account_connect_requested(request)))

    assert desk.network.refreshes == ["first", "refresh-1"]
    assert await desk.kinds() == ["account.connected", "account.refreshed", "account.connected"]


async def test_tokens_that_a_renewal_has_not_written_yet_are_not_lost_to_a_connection_with_other_credentials(
    store: Store,
) -> None:
    """Its lease has run out; the connection takes over the refresh token that the network has just rotated."""
    desk = Desk.at(store)
    given = {"access_token": "old", "refresh_token": "first"}
    await desk.connecting.on_account_connect_requested(desk.request(given | {"client_secret": "old"}))
    account = await desk.connecting.tokens.renewed(await desk.row())
    async with store.unit() as unit:
        await unit.save_account(replace(account, renewing_until=desk.clock.now() - SECOND))
    account = await desk.row()
    rotated = with_renewed(account, await desk.connecting.tokens.fetched(account), desk.connecting.vault)

    request = desk.request({"access_token": "fresh", "client_secret": "new"})
    anew = asyncio.create_task(desk.connecting.on_account_connect_requested(request))
    await asyncio.wait({anew}, timeout=0.3)
    at_rest, told = AtRest(store), Envelope.of(refreshed(rotated, desk.clock.now()))
    assert await at_rest.keep(account, rotated, told)
    await desk.passing(anew)

    assert desk.network.refreshes == ["first", "refresh-1"]
    kept = {"access_token": "fresh", "refresh_token": "refresh-2", "client_secret": "new"}
    assert await desk.credentials() == kept


async def test_a_token_got_for_the_new_account_alone_is_never_thrown_away(store: Store) -> None:
    """It took the place of a refresh token that was good for one use, whatever happens to the old account meanwhile."""
    desk = Desk.at(store)
    await desk.connecting.on_account_connect_requested(desk.request({"refresh_token": "first"}))
    desk.network.is_tried.clear()
    desk.network.slow["access-2"] = asyncio.Event()

    anew = asyncio.create_task(desk.connecting.on_account_connect_requested(desk.request({"refresh_token": "second"})))
    await desk.network.is_tried.wait()
    async with store.unit() as unit:
        leased = replace(await desk.row(), needs_reconnect=True, renewing_until=desk.clock.now() + DAY)
        await unit.save_account(leased)
    desk.network.slow["access-2"].set()
    await anew

    assert desk.network.refreshes == ["first", "second"]
    assert (await desk.credentials())["refresh_token"] == "refresh-2"
    assert await desk.kinds() == ["account.connected"] * 2


async def test_a_token_server_that_is_slow_has_the_time_of_every_renewal(store: Store) -> None:
    """Who hangs up before it answers may have used up a refresh token that was good for one use."""
    desk = Desk.at(store, Network(token_takes=timedelta(seconds=0.4)))
    desk.connecting = replace(desk.connecting, try_for=timedelta(seconds=0.2))

    await desk.connecting.on_account_connect_requested(desk.request({"refresh_token": "first"}))

    assert (await desk.credentials())["refresh_token"] == "refresh-1"
    assert await desk.kinds() == ["account.connected"]


async def test_a_token_that_was_got_is_held_on_to_while_the_database_is_away(store: Store) -> None:
    desk = Desk.at(store)
    away = Away(store, desk.network, units=2)
    desk.connecting = replace(desk.connecting, store=away)  # type: ignore[arg-type]

    await desk.connecting.on_account_connect_requested(desk.request({"refresh_token": "first"}))

    assert (away.units, desk.network.refreshes) == (0, ["first"])
    assert (await desk.credentials())["refresh_token"] == "refresh-1"


@pytest.mark.parametrize("before", [None, "another"], ids=["a new account", "one with another token"])
async def test_a_refresh_token_that_two_replicas_are_given_at_once_is_used_once(
    store: Store, before: str | None
) -> None:
    """The request came twice: the network takes a token that is used again for stolen, and ends what it became."""
    network = Network()
    one, other = (Desk.at(store, network) for _ in range(2))
    used = [before] if before else []
    for token in used:
        await one.connecting.on_account_connect_requested(one.request({"refresh_token": token}))
    network.may_answer, request = asyncio.Event(), one.request({"refresh_token": "single-use"})
    network.is_refreshing.clear()

    first = asyncio.create_task(one.connecting.on_account_connect_requested(request))
    await network.is_refreshing.wait()
    second = asyncio.create_task(other.connecting.on_account_connect_requested(request))
    await asyncio.wait({second}, timeout=0.3)
    network.may_answer.set()
    await other.passing(first, second)

    assert network.refreshes == [*used, "single-use"]
    assert await one.credentials() == {
        "refresh_token": f"refresh-{len(network.refreshes)}",
        "access_token": f"access-{len(network.refreshes)}",
    }
    assert await one.kinds() == ["account.connected"] * (2 + len(used))


@pytest.mark.parametrize("stamp", ["requested_at", "sent_at"])
async def test_the_older_of_two_requests_never_wins(two_stores: tuple[Store, Store], stamp: str) -> None:
    """Two replicas; the older request is held up at the network until the newer one is carried out."""
    network = Network(slow={"older": asyncio.Event()})
    one, other = (Desk.at(store, network) for store in two_stores)
    asked = one.clock.now().replace(microsecond=0) - 10 * SECOND

    older = asyncio.create_task(one.connect("older", **{stamp: asked}))
    await network.is_tried.wait()
    await other.connect("newer", **{stamp: asked + SECOND})
    network.slow["older"].set()
    await older

    assert await one.credentials() == {"token": "newer"}
    _, (kind, refused) = await one.told()
    assert (kind, refused["error"]["code"]) == ("account.connect_failed", "superseded")


async def test_of_two_requests_in_one_second_the_one_that_came_later_counts(store: Store) -> None:
    desk = Desk.at(store, Network(slow={"first": asyncio.Event()}))
    second = desk.clock.now().replace(microsecond=0) - SECOND

    first = asyncio.create_task(desk.connect("first", sent_at=second))
    await desk.network.is_tried.wait()
    later = asyncio.create_task(desk.connect("later", sent_at=second))
    await asyncio.wait({later}, timeout=0.3)
    desk.network.slow["first"].set()
    await asyncio.gather(first, later)

    assert await desk.credentials() == {"token": "later"}
    assert await desk.kinds() == ["account.connected"] * 2


async def test_a_request_that_is_delivered_again_changes_nothing(store: Store) -> None:
    desk = Desk.at(store)
    second = desk.clock.now().replace(microsecond=0)
    await desk.connect("first", sent_at=second, message_id="first")
    await desk.connect("later", sent_at=second, message_id="later")

    await desk.connect("first", sent_at=second, message_id="first")

    assert await desk.credentials() == {"token": "later"}
    assert await desk.kinds() == ["account.connected"] * 2


async def test_an_older_request_does_not_connect_what_was_disconnected_since(two_stores: tuple[Store, Store]) -> None:
    network = Network(slow={"older": asyncio.Event()})
    one, other = (Desk.at(store, network) for store in two_stores)
    asked = one.clock.now() - 10 * SECOND
    await one.connect("good", requested_at=asked)
    network.is_tried.clear()

    older = asyncio.create_task(one.connect("older", requested_at=asked + SECOND))
    await network.is_tried.wait()
    await other.disconnect(requested_at=asked + 2 * SECOND)
    network.slow["older"].set()
    await older

    assert not (await one.row()).connected


async def test_an_older_request_does_not_connect_for_the_first_time_what_was_disconnected_since(
    two_stores: tuple[Store, Store],
) -> None:
    network = Network(slow={"good": asyncio.Event()})
    one, other = (Desk.at(store, network) for store in two_stores)
    asked = one.clock.now() - 10 * SECOND

    first = asyncio.create_task(one.connect("good", requested_at=asked))
    await network.is_tried.wait()
    await other.disconnect(requested_at=asked + SECOND)
    network.slow["good"].set()
    await first

    assert not (await one.row()).connected
    assert await one.kinds() == ["account.disconnected", "account.connect_failed"]


async def test_of_two_first_requests_that_are_carried_out_at_once_the_later_one_counts(
    two_stores: tuple[Store, Store],
) -> None:
    """There is no row yet that one of them could lock."""
    for number in range(20):
        one, other = map(Desk.at, two_stores)
        asked, more = one.clock.now() - 10 * SECOND, {"account_id": f"account-{number}"}
        leaving = AccountDisconnectRequested(requested_at=asked + SECOND, **more)

        await asyncio.gather(
            one.connect("good", requested_at=asked, **more),
            other.connecting.on_account_disconnect_requested(Delivery(leaving, None, "correlation")),
        )

        account = await one.store.account(more["account_id"])
        assert account and not account.connected


async def test_what_was_disconnected_before_it_was_ever_connected_can_be_connected(store: Store) -> None:
    desk = Desk.at(store)
    await desk.disconnect()

    await desk.connect("good")

    assert await desk.credentials() == {"token": "good"}
    assert (await desk.row()).platform == "fake"


async def test_an_older_request_does_not_disconnect_what_was_connected_since(store: Store) -> None:
    desk = Desk.at(store)
    await desk.connect("good", requested_at=desk.clock.now())

    await desk.disconnect(requested_at=desk.clock.now() - DAY)

    assert (await desk.row()).connected
    (_, (kind, kept)) = await desk.told()
    assert (kind, kept["error"]["code"]) == ("account.disconnect_failed", "superseded")


async def test_a_clock_that_is_ahead_keeps_nobody_from_connecting_again(store: Store) -> None:
    desk = Desk.at(store)
    await desk.connect("first", requested_at=desk.clock.now() + DAY)

    await desk.connect("later", requested_at=desk.clock.now())

    assert await desk.credentials() == {"token": "later"}


async def test_what_becomes_of_an_account_is_told_in_order_whatever_the_clocks_say(store: Store) -> None:
    """Others go by `changed_at`: the scheduler took the account for disconnected when it was connected again."""
    ahead, right = Desk.at(store), Desk.at(store)
    ahead.clock.put_forward(HOUR)
    await ahead.connect("first")
    await ahead.disconnect()

    await right.connect("again")
    await right.disconnect()

    told = [(kind, datetime.fromisoformat(body["changed_at"])) for kind, body in await right.told()]
    assert [kind for kind, _ in told] == ["account.connected", "account.disconnected"] * 2
    assert told == sorted(told, key=lambda one: one[1])
    assert len({at for _, at in told}) == len(told)


async def test_an_account_whose_key_is_lost_can_be_connected_again(store: Store) -> None:
    await Desk.at(store).connecting.on_account_connect_requested(Desk.at(store).request({"refresh_token": "first"}))
    desk = Desk.at(store, keys=Fernet.generate_key().decode())

    await desk.connect("new")

    assert await desk.credentials() == {"token": "new"}


async def test_a_disconnected_account_forgets_its_credentials(store: Store) -> None:
    desk = Desk.at(store)
    await desk.connect()

    await desk.disconnect()

    assert not (await desk.row()).connected
    assert await desk.credentials() == {}
    assert await desk.kinds() == ["account.connected", "account.disconnected"]


async def test_an_account_that_never_was_is_answered_and_leaves_no_dead_letter(store: Store) -> None:
    """`timeball accounts remove` after a first connection that failed: a dead letter would raise an alert for ever."""
    desk = Desk.at(store)

    await desk.disconnect()

    assert await desk.kinds() == ["account.disconnected"]
