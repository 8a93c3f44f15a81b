"""The whole of a service's `__main__`, and the end of its process, whatever hangs."""

import asyncio
import gc
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import structlog
import uvloop

from shared.database.migrations import NotOurs, migrate_when_there
from shared.process.logs import configure
from shared.process.service import Service
from shared.process.settings import ServiceSettings, load

END_SECONDS = 18.0
"""From being asked to end until the process ends hard: the grace, the time for closing, and some more."""

log = structlog.get_logger()


def spare_the_collector(collect_after: int) -> None:
    """Collect garbage seldom: each collection looks at every post that waits in memory and stops all else meanwhile,
    for up to 200 ms; and hardly anything here forms rings. What start-up made is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(collect_after, 20, 100)


async def end_hard_after(stopping: asyncio.Event, *, seconds: float = END_SECONDS) -> None:
    """See to it that the process ends within so many seconds of being asked to, whatever hangs on its way out.

    A thread does it: libraries swallow cancellations (aio-pika's reconnecting does), and then the loop never ends.
    """
    await stopping.wait()
    timer = threading.Timer(seconds, _end_hard, (seconds,))
    timer.daemon = True
    timer.start()


def _end_hard(seconds: float) -> None:
    log.error("service_ended_hard", after_seconds=seconds)
    os._exit(1)


SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


def main(name: str, settings_class: type[SettingsT], build: Callable[[SettingsT], Service], migrations: Path) -> None:
    """The whole of a service's `__main__`: read settings, bring the database up to date, run."""
    settings = load(settings_class)
    configure(name, format=settings.log_format, level=settings.log_level)

    async def run() -> None:
        service = build(settings)
        spare_the_collector(service.collect_after)
        await _migrate(name, service.database.url, migrations)
        ending = asyncio.create_task(end_hard_after(service.stopping))
        await service.run()
        ending.cancel()

    uvloop.run(run())


async def _migrate(name: str, url: str, migrations: Path) -> None:
    """Bring the database up to date, or end the program saying why that must not be."""
    try:
        await migrate_when_there(url, migrations)
    except NotOurs as error:
        print(f"TIMEBALL_{name.upper()}_DATABASE_URL: {error}", file=sys.stderr)
        sys.exit(2)
