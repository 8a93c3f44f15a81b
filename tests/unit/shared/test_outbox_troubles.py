"""What the outbox says while its database cannot be used."""

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import MetaData
from structlog.testing import capture_logs

from shared.database.engine import Database
from shared.messaging.outbox import Outbox
from shared.messaging.outbox_rows import outbox_table
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import RecordingPublisher
from tests.support.waiting import eventually


class Frozen:
    """A database that answers nothing in time, which raises an error without a word of its own."""

    dialect = "sqlite"

    def transaction(self, *_: Any) -> Any:
        raise TimeoutError

    reading = rows = transaction


async def test_the_log_names_an_error_that_has_no_words() -> None:
    clock = FakeClock(datetime(2027, 3, 28, tzinfo=UTC))
    outbox = Outbox(outbox_table(MetaData()), cast(Database, Frozen()), RecordingPublisher(clock), clock)

    with capture_logs() as logs:
        relaying = asyncio.create_task(outbox.run())
        await eventually(lambda: bool(logs))
        relaying.cancel()

    assert (logs[0]["event"], logs[0]["error"]) == ("outbox_poll_failed", "TimeoutError()")
