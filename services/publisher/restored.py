"""Run before the publisher starts on a restored backup: `python -m services.publisher.restored`."""

import asyncio
import sys
from datetime import datetime
from typing import Self

from pydantic import model_validator

from services.publisher.app import MIGRATIONS, NAME
from services.publisher.settings import Settings
from services.publisher.watermarks import RESTORED, advance_watermark
from shared.clocks.clock import SystemClock
from shared.database.engine import Database
from shared.database.migrations import NotOurs, migrate
from shared.process.settings import load


class SettingsWithoutBroker(Settings):
    """The publisher's settings where nothing is to be sent."""

    @model_validator(mode="after")
    def _has_a_broker(self) -> Self:
        return self


async def mark_restored(url: str, now: datetime) -> None:
    """From now on a post that was due before, and of which the backup does not know the end, is held for a person."""
    await migrate(url, MIGRATIONS)
    database = Database(url)
    try:
        await advance_watermark(database, RESTORED, now)
    finally:
        await database.close()


if __name__ == "__main__":
    restored_at = SystemClock().now()
    try:
        asyncio.run(mark_restored(load(SettingsWithoutBroker).database(NAME), restored_at))
    except NotOurs as refusal:
        print(f"TIMEBALL_PUBLISHER_DATABASE_URL: {refusal}", file=sys.stderr)
        sys.exit(2)
    print(
        f"posts that were due before {restored_at:%Y-%m-%d %H:%M:%S} UTC, and of which nothing is known, will be held"
    )
