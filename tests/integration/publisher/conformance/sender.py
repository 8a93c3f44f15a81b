"""An adapter and its network alone: no publisher, no database, no broker."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx

from services.publisher.platforms.base import Account, Platform, Post, Published, Ready
from services.publisher.platforms.errors import PlatformError
from shared.clocks.clock import SystemClock
from shared.outbound.client import outbound_client
from tests.fakes.networks.base import Fault, Network
from tests.integration.publisher.conformance.case import Case

ACCOUNT = "harbour"
PATIENT, IMPATIENT = 10.0, 1.0
"""Seconds that a network may take to answer; less where a test is about one that does not."""


@dataclass
class Sender:
    """One account on one network."""

    case: Case[Any]
    network: Network
    platform: Platform
    given: Account
    """As a person gives it."""
    account: Account
    """With a token that is good."""

    def post(self, media: Sequence[Mapping[str, Any]] = (), **options: Any) -> Post:
        """A post that is due now."""
        own = f"{self.case.text} {uuid4().hex[:8]}"
        return Post(f"post {uuid4().hex[:8]}", ACCOUNT, 1, SystemClock().now(), own, media, options)

    async def prepare(self) -> Ready:
        """A post that is ready to be sent."""
        return await self.platform.prepare(self.post(), self.account)

    async def send(self, fault: Fault) -> Published | PlatformError:
        """What comes of a post when the network goes wrong like this."""
        ready = await self.prepare()
        self.network.faults.append(fault)
        return await outcome_of(ready)


async def outcome_of(ready: Ready) -> Published | PlatformError:
    """What a send ends with."""
    try:
        return await ready.send(SystemClock().now())
    except PlatformError as error:
        return error


def a_client(patience: float = PATIENT) -> httpx.AsyncClient:
    """The publisher's own client, which takes up no connection again: a network that ends is not there any more."""
    return outbound_client(allow_private_addresses=True, timeout=patience, keepalive_seconds=0)


@asynccontextmanager
async def a_sender(case: Case[Any], client: httpx.AsyncClient | None = None) -> AsyncIterator[Sender]:
    """An account with a token that is good, on a network that is running until the block ends."""
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(case.network(SystemClock()).serving())
        if client is None:
            client = await stack.enter_async_context(a_client())
        platform = case.platform(client)
        given = Account(ACCOUNT, platform.name, case.settings(network), case.credentials(network))
        yield Sender(case, network, platform, given, await with_token(platform, given))


async def with_token(platform: Platform, account: Account) -> Account:
    """The account with its first token, where it gets one by itself."""
    now = SystemClock().now()
    ends_at = platform.token_expires_at(account)
    if ends_at is None or ends_at > now or not platform.can_refresh(account):
        return account
    renewed = await platform.refresh(account, now)
    return replace(account, credentials={**account.credentials, **renewed.credentials})


def answering(answer: httpx.Response) -> httpx.AsyncClient:
    """A client to which every server gives this answer."""
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer))
