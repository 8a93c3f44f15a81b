"""One at a time: what was found to be so stays so until it has been acted on, whichever console is asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import sha256

import structlog

from services.console.api.console import Console
from shared.database.refusals import UNUSABLE

log = structlog.get_logger()


@asynccontextmanager
async def one_at_a_time(console: Console, subject: str) -> AsyncIterator[bool]:
    """Whether nobody else is at the subject; until this ends nobody else will be."""
    key, since = _key_of(subject), console.clock.now()
    claimed = await console.idempotency_keys.claim(key, "", since)
    try:
        yield claimed.is_ours
    finally:
        if claimed.is_ours:
            await _release(console, key, since)


async def _release(console: Console, key: str, since: datetime) -> None:
    """Let others at it; whether the database takes that changes nothing in what was done."""
    try:
        await console.idempotency_keys.release(key, since)
    except UNUSABLE as error:
        log.warning("subject_not_released", key=key, error=repr(error))


def _key_of(subject: str) -> str:
    """A key that nobody can send: a header cannot begin with a tab."""
    return f"\t{sha256(subject.encode()).hexdigest()}"
