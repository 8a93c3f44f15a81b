"""Python runs this before anything else: it makes each commit of SQLAlchemy take SLOW_COMMIT_MS longer."""

import asyncio
import os
import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.util.concurrency import await_only, in_greenlet

SECONDS = float(os.environ["SLOW_COMMIT_MS"]) / 1000


def wait(_connection: Any) -> None:
    """Hold up whoever commits, and nobody else."""
    if in_greenlet():
        await_only(asyncio.sleep(SECONDS))
    else:
        time.sleep(SECONDS)


event.listen(Engine, "commit", wait)
