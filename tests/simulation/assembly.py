"""How each service is put together inside the simulation: by its own `app.build`, with the world in place of the wires.

The only file that knows what a service's `app.py` looks like. What `app.py` calls to reach the world outside is
replaced in its namespace; what it builds is the real thing.
"""

import asyncio
import base64
import json
import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import MetaData

from services.console import app as console_app
from services.console.settings import Settings as ConsoleSettings
from services.console.tables import core as console_tables
from services.publisher import app as publisher_app
from services.publisher import tables as publisher_tables
from services.publisher.settings import Settings as PublisherSettings
from services.scheduler import app as scheduler_app
from services.scheduler import tables as scheduler_tables
from services.scheduler.settings import Settings as SchedulerSettings
from shared.clocks.clock import SystemClock
from shared.process import base
from shared.process.service import Service
from tests.simulation import virtual_time
from tests.simulation.broker import ModelBroker
from tests.simulation.connections import ModelPublisher, ModelRabbitBroker, ModelStandby
from tests.simulation.networks import Internet
from tests.simulation.sqlite import File, ModelDatabase
from tests.simulation.virtual_time import Process

APPS: Mapping[str, ModuleType] = {"scheduler": scheduler_app, "publisher": publisher_app, "console": console_app}
TABLES: Mapping[str, MetaData] = {
    "scheduler": scheduler_tables.metadata,
    "publisher": publisher_tables.metadata,
    "console": console_tables.metadata,
}
_NO_SECRET = base64.b64encode(bytes(32)).decode()


class PlainVault:
    """A vault that costs nothing."""

    @classmethod
    def from_keys(cls, _keys: str) -> "PlainVault":
        return cls()

    def encrypt(self, secret: Mapping[str, Any]) -> str:
        return json.dumps(dict(secret))

    def decrypt(self, stored: str) -> dict[str, Any]:
        opened: dict[str, Any] = json.loads(stored)
        return opened

    def rotate(self, stored: str) -> str:
        return stored


class PlainSeal:
    """A sealing key that costs nothing."""

    @classmethod
    def from_base64(cls, _text: str) -> "PlainSeal":
        return cls()

    def open(self, sealed: str) -> dict[str, Any]:
        opened: dict[str, Any] = json.loads(sealed)
        return opened


class ProcessClock(SystemClock):
    """The wall clock of the process that asks."""

    def now(self) -> datetime:
        return virtual_time.now()

    async def sleep_until(self, instant: datetime) -> None:
        await virtual_time.sleep_until(instant)


@dataclass(frozen=True)
class Wires:
    """What a process reaches the world by."""

    broker: ModelBroker
    internet: Internet
    files: Mapping[str, File]
    settings: Mapping[str, Any]


@dataclass(eq=False)
class Running:
    """A process with its service."""

    process: Process
    service: Service
    loops: list["asyncio.Task[Any]"] = field(default_factory=list)

    async def start(self) -> None:
        """Connect, consume, and run the service's loops; what the health checks need is left out."""
        service = self.service
        await service.publisher.connect(service.topology)
        await service.broker.start()
        relay = [service.outbox.run] if service.outbox else []
        standing_by = [service.standby.run] if service.standby else []
        self.loops = [asyncio.create_task(loop()) for loop in (*relay, *standing_by, *service.loops)]

    async def stop(self) -> None:
        """Stop as on SIGTERM."""
        await self.service._stop(self.loops)

    def attach(self) -> None:
        """Consume again after the connection was lost."""
        broker: Any = self.service.broker
        if not broker.is_stopped:
            broker.attach()


def url_of(service: str) -> str:
    """The URL that a service's settings name its database by; where that is, the world says."""
    return f"sqlite+aiosqlite:///{service}.db"


@cache
def settings_of(prefetch: int | None) -> Mapping[str, Any]:
    """Each service's settings, made once: publishers may take so few posts at once."""
    common: dict[str, Any] = {"broker_url": "amqp://model/", "home": Path("model")}
    publisher = PublisherSettings(
        **common,
        database_url=url_of("publisher"),
        secret_keys=_NO_SECRET,
        sealing_key=_NO_SECRET,
        callback_secret=f"whsec_{_NO_SECRET}",
    )
    return {
        "scheduler": SchedulerSettings(**common, database_url=url_of("scheduler")).model_copy(update={"timers": ()}),
        "publisher": publisher.model_copy(update={"prefetch": prefetch or publisher.prefetch}),
        "console": ConsoleSettings(
            **common,
            database_url=url_of("console"),
            api_token="none",
            publisher_public_key=_NO_SECRET,
            monitor_public_key=_NO_SECRET,
        ),
    }


def put_together(process: Process, wires: Wires) -> Running:
    """The service as its `app.py` builds it; called in the process's own context."""
    app = APPS[process.service]
    substitutes = _substitutes(process, wires)
    with _replaced(app, substitutes), _replaced(base, substitutes):
        return Running(process, app.build(wires.settings[process.service]))


def _substitutes(process: Process, wires: Wires) -> Mapping[str, Any]:
    return {
        "SystemClock": ProcessClock,
        "Database": lambda url: ModelDatabase(wires.files, url),
        "Publisher": lambda _url, *, app_id, clock: ModelPublisher(wires.broker, process, app_id=app_id, clock=clock),
        "rabbit_broker": lambda _url, _name: ModelRabbitBroker(wires.broker, process),
        "Standby": lambda try_database: ModelStandby(try_database, broker=wires.broker, process=process),
        "consuming": lambda *_: _nothing_is_wrong,
        "outbound_client": lambda **_: wires.internet.client(process),
        "Vault": PlainVault,
        "SealingKey": PlainSeal,
    }


async def _nothing_is_wrong() -> None:
    """In place of a look at FastStream's subscribers."""


@contextmanager
def _replaced(module: ModuleType, substitutes: Mapping[str, Any]) -> Iterator[None]:
    present = {name: getattr(module, name) for name in substitutes if hasattr(module, name)}
    for name in present:
        setattr(module, name, substitutes[name])
    try:
        yield
    finally:
        for name, value in present.items():
            setattr(module, name, value)


def make_chance_repeatable(seed: str) -> None:
    """Ids and jitter come from the seed, in this process and for good."""
    chance = random.Random(seed)
    os.urandom = chance.randbytes
    random.seed(seed)


_UNFINISHED: Mapping[str, tuple[str, ...]] = {
    "scheduler": (
        "SELECT 'schedule ' || post_id || ' ' || state AS line FROM schedules "
        "WHERE state IN ('scheduled', 'dispatched', 'retrying')",
        "SELECT 'requests that wait for ' || post_id AS line FROM schedules WHERE pending > 0",
        "SELECT 'outbox ' || type AS line FROM outbox",
    ),
    "publisher": (
        "SELECT 'publication ' || post_id || ' ' || state AS line FROM publications "
        "WHERE state IN ('claimed', 'sending', 'retrying')",
        "SELECT 'outbox ' || type AS line FROM outbox",
    ),
    "console": (),
}


def unfinished(service: str, query: Any) -> list[str]:
    """What a service still has to do."""
    return [row["line"] for statement in _UNFINISHED[service] for row in query(service, statement)]
