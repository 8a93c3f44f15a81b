"""The whole of a service's `__main__`."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import uvloop

from shared.database.migrations import NotOurs, migrate_when_there
from shared.process.ending import end_hard_after
from shared.process.garbage import spare_the_collector
from shared.process.logs import configure
from shared.process.open_files import allow_more_files
from shared.process.service import Service
from shared.process.settings import ServiceSettings, load
from shared.process.unusable_home import HomeUnusable

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


def main(name: str, settings_class: type[SettingsT], build: Callable[[SettingsT], Service], migrations: Path) -> None:
    """The whole of a service's `__main__`: read settings, bring the database up to date, run."""
    settings = load(settings_class)
    configure(name, format=settings.log_format, level=settings.log_level)
    allow_more_files()

    async def run() -> None:
        service = _built(build, settings)
        spare_the_collector(service.collect_after)
        await _migrate(name, service.database.url, migrations)
        ending = asyncio.create_task(end_hard_after(service.stopping))
        await service.run()
        ending.cancel()

    uvloop.run(run())


def _built(build: Callable[[SettingsT], Service], settings: SettingsT) -> Service:
    """The service, or the end of the program where its folder cannot be used."""
    try:
        return build(settings)
    except HomeUnusable as error:
        print(error, file=sys.stderr)
        sys.exit(2)


async def _migrate(name: str, url: str, migrations: Path) -> None:
    """Bring the database up to date, or end the program saying why that must not be."""
    try:
        await migrate_when_there(url, migrations)
    except NotOurs as error:
        print(f"TIMEBALL_{name.upper()}_DATABASE_URL: {error}", file=sys.stderr)
        sys.exit(2)
