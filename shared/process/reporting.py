"""Every process tells each minute how it is, so that whoever watches needs no way into it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import structlog

from shared.clocks.clock import loop_time
from shared.events.maintenance import Overdue, ServiceReported
from shared.messaging.broker import BrokerUnavailable, Outgoing, Publisher
from shared.messaging.envelope import Envelope
from shared.secrets.redaction import redact_text

EVERY_SECONDS = 60.0
ONCE_MORE_AFTER = 10.0
"""Seconds after the first report, which those who start at the same time may have been too late for."""
MOST_CHARACTERS = 500

log = structlog.get_logger()


@dataclass(frozen=True)
class Reporting:
    """One process's reports. They pass by the outbox, which may be what is wrong."""

    service: str
    publisher: Publisher
    problems: Callable[[], Awaitable[dict[str, str]]]
    outbox_age: Callable[[], Awaitable[timedelta]] | None
    queues: Sequence[str]
    overdue: Callable[[], Awaitable[Overdue | None]] | None = None
    instance: str = field(default_factory=lambda: uuid4().hex)

    async def run(self) -> None:
        """Report for ever."""
        began = loop_time()
        pause = ONCE_MORE_AFTER
        while True:
            try:
                await self.report(up_seconds=loop_time() - began)
            except BrokerUnavailable as error:
                log.info("report_not_sent", service=self.service, error=str(error))
            await asyncio.sleep(pause)
            pause = EVERY_SECONDS

    async def report(self, *, up_seconds: float) -> None:
        """Tell how the process is now."""
        problems = await self.problems()
        reported = ServiceReported(
            service=self.service,
            instance=self.instance,
            problems={name: redact_text(problem)[:MOST_CHARACTERS] for name, problem in problems.items()},
            outbox_age_seconds=await self._age(),
            queues=tuple(self.queues),
            up_seconds=round(up_seconds, 3),
            overdue=await self._overdue(),
        )
        await self.publisher.publish(Outgoing.of(Envelope.of(reported)))

    async def _age(self) -> float | None:
        """How old the outbox is; unknown while the database is away, which is told as a problem."""
        if self.outbox_age is None:
            return None
        try:
            return round((await self.outbox_age()).total_seconds(), 3)
        except Exception as error:
            log.info("outbox_age_unknown", service=self.service, error=repr(error))
            return None

    async def _overdue(self) -> Overdue | None:
        """What is overdue, where the service knows; unknown while the database is away."""
        if self.overdue is None:
            return None
        try:
            return await self.overdue()
        except Exception as error:
            log.info("overdue_unknown", service=self.service, error=repr(error))
            return None
