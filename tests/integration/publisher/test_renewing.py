"""Who refuses a token: the network, whose word holds the account, or something in between, whose word does not."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import pytest
from cryptography.fernet import Fernet

from services.publisher.accounts.at_rest import AtRest
from services.publisher.accounts.connect_lock import LOOK_EVERY, MOST_LOOKS
from services.publisher.accounts.credentials import is_being_renewed, opened
from services.publisher.accounts.tokens import Tokens
from services.publisher.domain import StoredAccount
from services.publisher.platforms.base import Account, Renewed
from services.publisher.platforms.errors import PlatformError, Unauthorized, Unavailable
from services.publisher.platforms.oauth import refreshed
from services.publisher.store import Store
from shared.events.publisher import AccountRefreshRequested
from shared.messaging.envelope import Delivery
from shared.secrets.vault import Vault
from tests.fakes.clock import FakeClock
from tests.fakes.platform import FakePlatform
from tests.integration.publisher.test_connecting import Desk, Network
from tests.support.publications import NOON, keep
from tests.support.waiting import PATIENCE

PAGE = httpx.Response(403, html="<html>Just a moment...</html>")
CREDENTIALS = {"client_id": "app", "refresh_token": "refresh"}


@dataclass
class Renewing(FakePlatform):
    """A network that gives tokens by OAuth, as `reply` says."""

    reply: httpx.Response | Exception = field(default_factory=lambda: httpx.Response(200))

    def can_refresh(self, account: Account) -> bool:
        """Its tokens end."""
        return True

    async def refresh(self, account: Account, now: datetime) -> Renewed:
        """Ask for a new one."""
        async with httpx.AsyncClient(transport=httpx.MockTransport(self._answer)) as client:
            return await refreshed(client, "https://a.example/token", account, now, names_client_by="form")

    def _answer(self, _: httpx.Request) -> httpx.Response:
        if isinstance(self.reply, Exception):
            raise self.reply
        return httpx.Response(self.reply.status_code, headers=self.reply.headers, content=self.reply.content)


def oauth_error(name: str, status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"error": name})


async def renewing(
    store: Store, reply: httpx.Response | Exception, renewing_until: datetime | None = None
) -> tuple[Tokens, StoredAccount]:
    """A publisher at noon, and an account whose network replies so."""
    vault, platform = Vault.from_keys(Fernet.generate_key().decode()), Renewing(reply=reply)
    account = StoredAccount(
        "account", platform.name, "{}", vault.encrypt(CREDENTIALS), "{}", True, NOON, renewing_until=renewing_until
    )
    await keep(store, account)
    timeout = timedelta(seconds=10)
    return Tokens(AtRest(store), {platform.name: platform}, vault, FakeClock(NOON), timeout=timeout), account


async def test_a_lease_of_a_clock_that_was_an_hour_ahead_keeps_nobody_out(store: Store) -> None:
    given = httpx.Response(200, json={"access_token": "new"})
    tokens, account = await renewing(store, given, NOON + timedelta(hours=1))
    clock = tokens.clock
    assert isinstance(clock, FakeClock)

    renewing_it = asyncio.create_task(tokens.renewed(account))
    async with asyncio.timeout(PATIENCE):
        for _ in range(MOST_LOOKS):
            await clock.until_awaited(clock.now() + LOOK_EVERY)
            clock.advance(LOOK_EVERY)
        renewed = await renewing_it

    assert renewed.renewed is not None


@pytest.mark.parametrize(
    ("ends_in", "holds"), [(-1, False), (30, True), (31, True), (3600, False)], ids=["over", "new", "ahead", "wrong"]
)
def test_a_lease_holds_though_the_clock_of_who_has_it_is_a_little_ahead(ends_in: int, holds: bool) -> None:
    until = NOON + timedelta(seconds=ends_in)
    account = StoredAccount("account", "fake", "{}", "", "{}", True, NOON, renewing_until=until)

    assert is_being_renewed(account, NOON) is holds


@pytest.mark.parametrize(
    ("reply", "error", "needs_a_person"),
    [
        (PAGE, Unavailable, False),
        (httpx.ConnectError("refused"), Unavailable, False),
        (httpx.ReadTimeout("silence"), Unavailable, False),
        (httpx.Response(404), Unavailable, False),
        (httpx.Response(403, json={"message": "Forbidden", "error": 403}), Unavailable, False),
        (oauth_error("temporarily_unavailable"), Unavailable, False),
        (oauth_error("server_error", 200), Unavailable, False),
        (oauth_error("invalid_grant"), Unauthorized, True),
        (httpx.Response(400, json={"message": "Bad Request", "error": 400}), Unauthorized, True),
        (httpx.Response(401), Unauthorized, True),
    ],
    ids=[
        "a proxy's page",
        "no connection",
        "no answer",
        "no such page",
        "a gateway",
        "unavailable",
        "failed",
        "invalid grant",
        "Reddit's invalid grant",
        "401",
    ],
)
async def test_only_the_networks_own_refusal_holds_the_account(
    store: Store, reply: httpx.Response | Exception, error: type[PlatformError], needs_a_person: bool
) -> None:
    tokens, account = await renewing(store, reply)

    with pytest.raises(error):
        await tokens.renewed(account)

    kept = await store.account("account")
    assert kept is not None
    assert (kept.needs_reconnect, kept.renewing_until) == (needs_a_person, None)


LIFE = timedelta(days=3650)


@pytest.mark.parametrize(
    ("more", "lasts"),
    [
        ("", None),
        (', "expires_in": 60', timedelta(seconds=60)),
        (', "expires_in": -60', None),
        (', "expires_in": NaN', None),
        (', "expires_in": Infinity', LIFE),
        (f', "expires_in": 1{"0" * 300}', LIFE),
        (', "expires_in": "soon"', None),
        (', "error": ""', None),
    ],
)
async def test_new_tokens_are_kept_whatever_stands_beside_them(
    store: Store, more: str, lasts: timedelta | None
) -> None:
    """Those that they replace may be worth nothing."""
    body = f'{{"access_token": "{"a" * 3000}", "refresh_token": "rotated"{more}}}'
    tokens, account = await renewing(store, httpx.Response(200, content=body.encode()))

    renewed = await tokens.renewed(account)

    kept = opened(renewed, tokens.vault).credentials
    assert (len(kept["access_token"]), kept["refresh_token"]) == (3000, "rotated")
    assert renewed.token_expires_at == (lasts and NOON + lasts)


@dataclass
class Hanging(Network):
    """A network whose token server takes its time, and then has nothing to give."""

    async def refresh(self, account: Account, now: datetime) -> Renewed:
        """Nothing, in the end."""
        assert self.may_answer
        self.is_refreshing.set()
        await self.may_answer.wait()
        raise Unavailable("HTTP 503")


async def test_a_renewal_that_came_to_nothing_is_not_told_of_an_account_that_was_connected_anew_meanwhile(
    store: Store,
) -> None:
    """It is told later than the connection, and would be taken for the news."""
    desk = Desk.at(store, Hanging(may_answer=asyncio.Event()))
    tokens = {"access_token": "old", "refresh_token": "old"}
    await desk.connecting.on_account_connect_requested(desk.request(tokens))
    asked = Delivery(AccountRefreshRequested(account_id="account"), None, "correlation")
    renewing_it = asyncio.create_task(desk.connecting.on_account_refresh_requested(asked))
    await desk.network.is_refreshing.wait()

    await desk.connecting.on_account_connect_requested(desk.request({"access_token": "new", "refresh_token": "new"}))
    assert desk.network.may_answer
    desk.network.may_answer.set()
    await renewing_it

    assert await desk.kinds() == ["account.connected", "account.connected"]
