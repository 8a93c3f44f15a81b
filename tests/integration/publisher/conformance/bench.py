"""A publisher without a broker: its own code and database, a fake network, and a clock that can be put forward."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from cryptography.fernet import Fernet
from sqlalchemy import select
from structlog.testing import capture_logs

from services.publisher.accounts.at_rest import AtRest
from services.publisher.accounts.connecting import Connecting
from services.publisher.accounts.tokens import Tokens
from services.publisher.app import REQUESTS, sending_of
from services.publisher.domain import Publication, StoredAccount
from services.publisher.handlers import Handlers
from services.publisher.limits.circuit_breakers import CircuitBreakers
from services.publisher.platforms.base import Platform
from services.publisher.sending.loop import Sending
from services.publisher.settings import Settings
from services.publisher.store import Store
from services.publisher.tables import outbox
from shared.database.engine import Database
from shared.events.requests import AccountConnectRequested, PublishRetryRequested
from shared.events.scheduler import PublishRequested
from shared.messaging.broker import Publisher
from shared.messaging.envelope import Delivery
from shared.messaging.outbox import Outbox
from shared.messaging.verdict import Park, TryAgain
from shared.outbound.client import outbound_client
from shared.secrets.sealing import SealingKey, seal
from shared.secrets.vault import Vault
from tests.fakes.networks.base import Network
from tests.fakes.networks.gallery import Gallery
from tests.fakes.running_clock import RunningClock
from tests.integration.publisher.conformance.case import Case
from tests.support.waiting import eventually

LEASE_SECONDS = 30
ACCOUNT = "harbour"
TURNS = 10
MOST_DELIVERIES = 12

Fact = tuple[str, dict[str, Any]]
Opening = Callable[[], Coroutine[Any, Any, "Replica"]]


@dataclass(frozen=True)
class Replica:
    """One publisher at the database."""

    store: Store
    sending: Sending
    connecting: Connecting
    handlers: Handlers


@dataclass(repr=False)
class Bench:
    """Everything one test needs; what is not said of an account or a post is the case's own."""

    case: Case[Any]
    network: Network
    gallery: Gallery
    clock: RunningClock
    key: SealingKey
    open_replica: Opening
    logs: Sequence[Any]
    replicas: list[Replica] = field(default_factory=list)
    parked: list[str] = field(default_factory=list)

    @property
    def replica(self) -> Replica:
        """The first publisher."""
        return self.replicas[0]

    async def connect(self) -> None:
        """Connect the account, as a person does; again with new credentials where the old ones are no longer good."""
        request = AccountConnectRequested(
            account_id=ACCOUNT,
            platform=self.platform_name,
            settings=self.case.settings(self.network),
            sealed_credentials=seal(self.case.credentials(self.network), self.key.public_key),
        )
        await self.replica.connecting.on_account_connect_requested(Delivery(request, uuid4().hex, "correlation"))
        assert ("account.connected", ACCOUNT) in [(kind, body["account_id"]) for kind, body in await self.told()]

    @property
    def platform_name(self) -> str:
        """The name under which accounts ask for the adapter."""
        (name,) = self.replica.connecting.tokens.platforms
        return name

    def post(self, content: str | None = None, *, due_in: float = 0.0, **more: Any) -> PublishRequested:
        """A post that is due so many seconds from now."""
        own = f"{self.case.text} {uuid4().hex[:8]}" if self.case.refuses_repeats else self.case.text
        usual = {"post_id": f"post {uuid4().hex[:8]}", "account_id": ACCOUNT, "revision": 1}
        due = {
            "content": own if content is None else content,
            "publish_at": self.clock.now() + timedelta(seconds=due_in),
        }
        return PublishRequested.model_validate(usual | due | more)

    def picture(self, path: str = "small.png", alt: str = "A ball on a mast") -> dict[str, Any]:
        """An entry of a post's media."""
        return {"url": f"{self.gallery.url}/{path}", "alt": alt}

    async def publish(self, event: PublishRequested, *, by: Replica | None = None, redelivered: bool = False) -> None:
        """Deliver a post until nothing is left to do, the clock being put forward over every wait."""
        for _ in range(MOST_DELIVERIES):
            wait = await self.deliver(event, by=by, redelivered=redelivered)
            if wait is None:
                return
            self.rest(wait)
        raise AssertionError(f"not settled after {MOST_DELIVERIES} deliveries")

    def rest(self, wait: timedelta) -> None:
        """Go on to when the message has come back from its retry queue, and nothing is left to wait for."""
        self.clock.put_forward(wait)

    async def deliver(
        self, event: PublishRequested, *, by: Replica | None = None, redelivered: bool = False
    ) -> timedelta | None:
        """Deliver a post once; how long it must rest before it is delivered again, or None where it is settled."""
        delivery = Delivery(event, uuid4().hex, "correlation", redelivered)
        try:
            await (by or self.replica).sending.on_publish_requested(delivery)
        except TryAgain as again:
            return again.delay
        except Park as park:
            self.parked.append(park.reason)
        return None

    async def retry(self, event: PublishRequested) -> None:
        """Ask for a held or failed post once more, as a person does, and publish it."""
        request = PublishRetryRequested(post_id=event.post_id, account_id=event.account_id)
        await self.replica.handlers.on_publish_retry_requested(Delivery(request, uuid4().hex, "correlation"))
        async with self.replica.store.unit() as unit:
            asked = select(outbox.c.body).where(outbox.c.routing_key == REQUESTS.name)
            (body,) = (await unit.connection.execute(asked)).scalars()
        await self.publish(PublishRequested.model_validate_json(body))

    def hurry(self, seconds: float) -> None:
        """Give a send no more than so long."""
        for replica in self.replicas:
            replica.sending.send_timeout = timedelta(seconds=seconds)

    async def kill_while_sending(self, event: PublishRequested) -> None:
        """Begin to publish, stop dead while the network keeps the reply back, and stay away for as long as a lease."""
        task = asyncio.create_task(self.deliver(event))
        faults = len(self.network.faults)
        await eventually(lambda: len(self.network.faults) < faults, what="the request arrived")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self.clock.put_forward(timedelta(seconds=LEASE_SECONDS))

    async def stored_account(self) -> StoredAccount:
        """The account as the publisher knows it."""
        stored = await self.replica.store.account(ACCOUNT)
        assert stored is not None
        return stored

    async def kept(self, event: PublishRequested) -> Publication:
        """The post as the publisher knows it."""
        key = event.post_id, event.account_id
        async with self.replica.store.unit() as unit:
            return (await unit.publications([key]))[key]

    async def told(self, kind: str = "") -> list[Fact]:
        """The facts that were told, all or of one kind, in order."""
        async with self.replica.store.unit() as unit:
            found = select(outbox.c.type, outbox.c.body).order_by(outbox.c.created_at)
            rows = (await unit.connection.execute(found)).all()
        return [(row.type, json.loads(row.body)) for row in rows if kind in ("", row.type)]

    async def fact(self, kind: str) -> dict[str, Any]:
        """The one fact of this kind."""
        ((_, body),) = await self.told(kind)
        return body

    async def everything_said(self) -> str:
        """All that leaves the publisher, as one text: facts, reasons, logs."""
        return "\n".join([*(str(fact) for fact in await self.told()), *self.parked, *map(repr, self.logs)])


@asynccontextmanager
async def a_bench(case: Case[Any], database_url: str, *, send_timeout: float) -> AsyncIterator[Bench]:
    """A bench whose account is connected; in the end nothing secret may have left the publisher."""
    clock, key, vault = RunningClock(), SealingKey.generate(), Vault.from_keys(Fernet.generate_key().decode())
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(case.network(clock).serving())
        gallery = await stack.enter_async_context(Gallery().serving())
        logs = stack.enter_context(capture_logs())

        async def open_replica() -> Replica:
            client = await stack.enter_async_context(outbound_client(allow_private_addresses=True))
            database = Database(database_url)
            stack.push_async_callback(database.close)
            store = Store(
                database, Outbox(outbox, database, Publisher("amqp://nobody", app_id="x", clock=clock), clock)
            )
            platform, timeout = case.platform(client), timedelta(seconds=send_timeout)
            replica = _replica(store, platform, clock, key, vault, timeout)
            await stack.enter_async_context(serving(replica.sending))
            return replica

        bench = Bench(case, network, gallery, clock, key, open_replica, logs)
        bench.replicas.append(await open_replica())
        await bench.connect()
        yield bench
        said = await bench.everything_said()
        assert [secret for secret in case.secrets(network) if secret in said] == []


@asynccontextmanager
async def serving(sending: Sending) -> AsyncIterator[None]:
    """Serve the lines for the length of the block."""
    lines = asyncio.create_task(sending.lines.run())
    try:
        yield
    finally:
        lines.cancel()
        await asyncio.gather(lines, return_exceptions=True)


def _replica(  # noqa: PLR0917
    store: Store, platform: Platform, clock: RunningClock, key: SealingKey, vault: Vault, timeout: timedelta
) -> Replica:
    known = {platform.name: platform}
    tokens = Tokens(AtRest(store), known, vault, clock, timeout=timeout)
    settings = Settings(
        broker_url="amqp://nobody", send_timeout_seconds=timeout.total_seconds(), lease_seconds=LEASE_SECONDS
    )
    sending = sending_of(
        settings, store, clock=clock, breakers=CircuitBreakers(TURNS), known=known, vault=vault, tokens=tokens
    )
    connecting = Connecting(store, tokens, vault, key, clock)
    return Replica(store, sending, connecting, Handlers(store, clock, sending, REQUESTS.name))
