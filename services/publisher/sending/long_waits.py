"""Long waits: posts that wait here are told of, so that the scheduler does not take their messages for lost.

What rests in a retry queue was told of when it was sent there. What stands in line, or is turned away because a
destination is crowded, would be silent for as long as the destination hangs.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import structlog

from services.publisher.domain import CLAIMED, Key, Publication
from services.publisher.sending import facts
from services.publisher.sending.case import Delivered
from services.publisher.sending.evidence import Attempt, Standing, standing
from services.publisher.sending.taking import new_publication, newer_publication
from services.publisher.store import Store
from shared.clocks.clock import Clock
from shared.events.base import ErrorDetail
from shared.events.progress import State
from shared.events.publisher import PublishRetrying
from shared.messaging.envelope import Envelope

LOOK_EVERY = timedelta(seconds=5)
LONG = timedelta(seconds=10)
"""A post that has waited for so long since it was due is told of: before the scheduler sweeps it."""
TOLD_FOR = timedelta(minutes=5)
"""For so long nothing more is told of a wait, unless it ends: it is the most by which the scheduler learns later of a
message that got lost meanwhile."""
MOST = 1000
IN_LINE = ErrorDetail(kind="unavailable", code="in_line", message="waits for its turn behind other posts")

Revision = tuple[Key, int]
"""A revision of a post: an old one that was withdrawn elsewhere may still be in line here beside the new one."""

log = structlog.get_logger()


class LongWaits:
    """The waits of this process; `in_line` has the posts that have been in line since an instant."""

    def __init__(self, store: Store, clock: Clock, in_line: Callable[[datetime], Iterable[Delivered]]) -> None:
        self._store = store
        self._clock = clock
        self._in_line = in_line
        self._turned_away: dict[Revision, Delivered] = {}
        self._told_until: dict[Revision, datetime] = {}

    def turned_away(self, delivered: Delivered) -> None:
        """Note a post that was sent back to rest because too many others wait for its destination."""
        self._turned_away[_revision_of(delivered)] = delivered

    def over(self, delivered: Delivered) -> None:
        """Note that a post's wait is over; its next one is told of anew."""
        self._told_until.pop(_revision_of(delivered), None)

    async def run(self) -> None:
        """Tell of long waits for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY.total_seconds())
            try:
                await self.tell()
            except Exception as error:
                log.warning("long_waits_not_told", error=repr(error))

    async def tell(self) -> int:
        """Tell of the posts that have waited for long and were not told of lately; how many there were."""
        now = self._clock.now()
        self._told_until = {revision: until for revision, until in self._told_until.items() if until > now}
        waiting = self._waiting(now)
        for first in range(0, len(waiting), MOST):
            await self._tell(waiting[first : first + MOST], now)
        return len(waiting)

    def _waiting(self, now: datetime) -> list[Delivered]:
        """The posts that wait and whose wait is news, each once."""
        turned_away, self._turned_away = self._turned_away, {}
        waiting = turned_away | {_revision_of(one): one for one in self._in_line(now - LONG)}
        return [
            one
            for revision, one in waiting.items()
            if revision not in self._told_until and one.event.publish_at <= now - LONG
        ]

    async def _tell(self, waiting: Sequence[Delivered], now: datetime) -> None:
        # noted before it is told: a wait that ends meanwhile is over all the same
        self._told_until |= dict.fromkeys(map(_revision_of, waiting), now + TOLD_FOR)
        try:
            await self._emit(waiting, now)
        except BaseException:
            for one in waiting:
                self.over(one)
            raise

    async def _emit(self, waiting: Sequence[Delivered], now: datetime) -> None:
        keys = {one.key for one in waiting}
        async with self._store.unit() as unit:
            known, attempts = await unit.publications(keys), await unit.attempts(keys)
            told = [
                Envelope.of(fact, correlation_id=one.correlation_id)
                for one in waiting
                if (fact := waits(one, known.get(one.key), attempts.get(one.key, ()), now))
            ]
            await unit.emit(told)


def _revision_of(delivered: Delivered) -> Revision:
    return delivered.key, delivered.event.revision


def waits(
    delivered: Delivered, current: Publication | None, attempts: Sequence[Attempt], now: datetime
) -> PublishRetrying | None:
    """What is told of a post that waits; None where something else is true of it, which is told by who finds it."""
    stands, revision = standing(attempts, now), delivered.event.revision
    waiting = current or new_publication(delivered, now)
    if revision > waiting.revision and stands is Standing.NOTHING_OUT:
        waiting = newer_publication(delivered, waiting, now)
    if revision != waiting.revision or waiting.is_withdrawn or waiting.state not in (CLAIMED, State.RETRYING):
        return None
    if stands not in (Standing.NOTHING_OUT, Standing.IN_DOUBT):
        return None
    return facts.retrying(waiting, IN_LINE, now + TOLD_FOR, in_doubt=stands is Standing.IN_DOUBT)
