"""The monitor's parts over a migrated database and a fake Reddit, without a broker."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from cryptography.fernet import Fernet
from sqlalchemy import select

from services.monitor.app import MIGRATIONS, NAME
from services.monitor.checking import Checking
from services.monitor.digesting import Digesting
from services.monitor.handlers import Handlers
from services.monitor.notifying import Notifying
from services.monitor.reddit import Access, Reddit
from services.monitor.removing import Removing
from services.monitor.store import Store
from services.monitor.tables import job_runs, outbox
from services.monitor.trying import Trying
from shared.database.engine import Database
from shared.events.monitor import NotificationRequested
from shared.events.requests import WorkspaceConfigured
from shared.events.scheduler import TimerFired
from shared.jobs import Jobs
from shared.messaging.broker import Publisher
from shared.messaging.envelope import Delivery
from shared.messaging.outbox import Outbox
from shared.outbound.client import outbound_client
from shared.outbound.targets import Targets
from shared.secrets.sealing import SealingKey, seal
from shared.secrets.vault import Vault
from tests.fakes.clock import FakeClock
from tests.fakes.networks.reddit_listing import CLIENT_ID, CLIENT_SECRET, RedditListing
from tests.support.migrated import migrated

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
QUEUE = "monitor.notifications"


class HurriedClock(FakeClock):
    """Time that passes as soon as somebody sleeps."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.naps: list[timedelta] = []

    async def sleep_until(self, instant: datetime) -> None:
        """Put the clock forward to the instant."""
        if (nap := instant - self.now()) > timedelta(0):
            self.naps.append(nap)
            self.advance(nap)


@dataclass
class Monitor:
    """A monitor, and what a test asks of it."""

    network: RedditListing
    store: Store
    clock: HurriedClock
    handlers: Handlers
    checking: Checking
    digesting: Digesting
    notifying: Notifying
    trying: Trying
    removing: Removing
    key: SealingKey = field(default_factory=SealingKey.generate)

    @classmethod
    @asynccontextmanager
    async def at(
        cls, url: str, *, secret: str | None = CLIENT_SECRET, allow_private: bool = True
    ) -> AsyncIterator["Monitor"]:
        """A monitor of its own over the database."""
        await migrated(url, MIGRATIONS)
        clock, database, key = HurriedClock(NOON), Database(url), SealingKey.generate()
        vault = Vault.from_keys(Fernet.generate_key().decode())
        relay = Outbox(outbox, database, Publisher("amqp://nobody", app_id=NAME, clock=clock), clock)
        store, targets = Store(database, relay), Targets(allow_private_addresses=allow_private, send_seconds=10)
        async with RedditListing().serving() as network, outbound_client(allow_private_addresses=True) as http:
            access = Access(CLIENT_ID, secret, network.url, network.url) if secret else None
            reddit = Reddit(http, access, clock, "test", call_seconds=1)
            checking = Checking(store, reddit, clock, QUEUE)
            digesting = Digesting(store, clock, QUEUE)
            handlers = Handlers(
                store=store,
                vault=vault,
                sealing_key=key,
                check_target=targets.form_of,
                clock=clock,
                jobs=Jobs(NAME, database, job_runs, relay, clock),
                work={"monitor.check": checking.check, "digest.send": digesting.send_due},
            )
            notifying = Notifying(store, targets, vault, clock, QUEUE)
            yield cls(
                network,
                store,
                clock,
                handlers,
                checking,
                digesting,
                notifying,
                Trying(store, reddit),
                Removing(store, clock),
                key,
            )
        await targets.close()
        await database.close()

    async def configure(self, workspace_id: str = "w", *, targets: Sequence[str] = (), **more: Any) -> None:
        """Configure a workspace that watches r/sailing for "time ball", unless said otherwise."""
        usual = {
            "workspace_id": workspace_id,
            "monitoring_enabled": True,
            "subreddits": ["sailing"],
            "keywords": [{"phrase": "time ball"}],
            "sealed_notify": seal(list(targets), self.key.public_key) if targets else None,
        }
        event = WorkspaceConfigured.model_validate_json(json.dumps(usual | more))
        await self.handlers.on_workspace_configured(Delivery(event, str(uuid4()), "c"))

    async def check(self) -> dict[str, Any]:
        """Check, and five minutes pass; what `monitor.completed` says."""
        await self.checking.check("c")
        self.clock.advance(timedelta(minutes=5))
        return (await self.told("monitor.completed"))[-1]

    async def begun(self) -> "Monitor":
        """The first check is done: from here on, what is posted is new."""
        await self.check()
        return self

    async def digest(self, *, at: datetime) -> None:
        """Let it be that time, and the timer tick."""
        self.clock.advance(at - self.clock.now())
        await self.digesting.send_due("c")

    async def told(self, event_type: str) -> list[dict[str, Any]]:
        """The bodies of the events of this type, in order."""
        async with self.store.unit() as unit:
            wanted = select(outbox.c.body).where(outbox.c.type == event_type).order_by(outbox.c.created_at)
            return [json.loads(body) for body in (await unit.connection.execute(wanted)).scalars()]

    async def found(self) -> list[tuple[str, str]]:
        """Workspace and item of each mention found so far."""
        return sorted((one["workspace_id"], one["item_id"]) for one in await self.told("mention.found"))

    async def notify(self) -> None:
        """Send every notification that was asked for, the last first."""
        for order in reversed(await self.told("notification.requested")):
            await self.send(order["delivery_id"])

    async def send(self, delivery_id: str) -> None:
        """Send one notification, as its message asks."""
        event = NotificationRequested(delivery_id=delivery_id)
        await self.notifying.on_notification_requested(Delivery(event, str(uuid4()), "c"))


def a_tick(timer: str, at: datetime) -> TimerFired:
    """A tick of a timer."""
    return TimerFired(timer=timer, tick_at=at, fired_at=at, manual=False, missed=0)
