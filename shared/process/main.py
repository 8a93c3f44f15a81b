"""The whole of a service's `__main__`."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import uvloop

from shared.database.migrations import NotOurs, Tell, migrate_when_there
from shared.database.revision import ChangedMeanwhile, RevisionWatch
from shared.process.ending import end_hard_after
from shared.process.garbage import spare_the_collector
from shared.process.logs import configure
from shared.process.open_files import allow_more_files
from shared.process.output import open_missing_files
from shared.process.service import Service
from shared.process.settings import ServiceSettings, load
from shared.process.unusable_home import HomeUnusable

SettingsT = TypeVar("SettingsT", bound=ServiceSettings)


def main(name: str, settings_class: type[SettingsT], build: Callable[[SettingsT], Service], migrations: Path) -> None:
    """The whole of a service's `__main__`: read settings, bring the database up to date, run."""
    open_missing_files()
    settings = load(settings_class)
    configure(name, format=settings.log_format, level=settings.log_level)
    allow_more_files()

    async def run() -> None:
        service = _on_its_migrations(_built(build, settings), migrations)
        spare_the_collector(service.collect_after)
        ending = asyncio.create_task(end_hard_after(service.stopping))
        await service.run()
        ending.cancel()

    try:
        uvloop.run(run())
    except ChangedMeanwhile as error:
        print(f"{_variable(name)}: {error}", file=sys.stderr)
        sys.exit(1)


def _built(build: Callable[[SettingsT], Service], settings: SettingsT) -> Service:
    """The service, or the end of the program where its folder cannot be used."""
    try:
        return build(settings)
    except HomeUnusable as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def _on_its_migrations(service: Service, migrations: Path) -> Service:
    """The service, which brings its database up to date first, and ends when another release changes it."""
    prepare = partial(_migrate, service.name, service.database.url, migrations)
    watch = RevisionWatch.of(service.database, service.name, migrations)
    return replace(service, prepare=prepare, loops=(*service.loops, watch.run))


async def _migrate(name: str, url: str, migrations: Path, tell: Tell) -> None:
    """Bring the database up to date, or end the program saying why that must not be."""
    try:
        await migrate_when_there(url, migrations, tell)
    except NotOurs as error:
        print(f"{_variable(name)}: {error}", file=sys.stderr)
        sys.exit(2)


def _variable(name: str) -> str:
    """What names the service's database."""
    return f"TIMEBALL_{name.upper()}_DATABASE_URL"
