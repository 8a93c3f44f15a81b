"""Long waits: posts that wait here are told of, so that the scheduler does not take their messages for lost.

What rests in a retry queue was told of when it was sent there. What stands in line, or is turned away because a
destination is crowded, would be silent for as long as the destination hangs.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.publisher.domain import CLAIMED, Key, Publication
from services.publisher.sending import facts
from services.publisher.sending.case import Case, Delivered
from services.publisher.sending.evidence import Attempt, Evidence, Standing, standing
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


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that waits, with what it knows of attempts beside the database: which of its own never left."""

    delivered: Delivered
    known: tuple[Attempt, ...] = ()

    @property
    def revision(self) -> Revision:
        return _revision_of(self.delivered)

    def corrected(self, current: Publication | None, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
        """The attempts with what it knows of them, while it has the claim."""
        if current is None or current.claim_token != self.delivered.token:
            return attempts
        known = {(one.number, one.start_at): one for one in self.known}
        return [known.get((one.number, one.start_at), one) for one in attempts]


class LongWaits:
    """The waits of this process; `in_line` has the posts that have been in line since an instant."""

    def __init__(self, store: Store, clock: Clock, in_line: Callable[[datetime], Iterable[Case]]) -> None:
        self._store = store
        self._clock = clock
        self._in_line = in_line
        self._turned_away: dict[Revision, Waiting] = {}
        self._told_until: dict[Revision, datetime] = {}

    def turned_away(self, delivered: Delivered) -> None:
        """Note a post that was sent back to rest because too many others wait for its destination."""
        self._turned_away[_revision_of(delivered)] = Waiting(delivered)

    def wait_ended(self, delivered: Delivered) -> None:
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

    def _waiting(self, now: datetime) -> list[Waiting]:
        """The posts that wait and whose wait is news, each once."""
        turned_away, self._turned_away = self._turned_away, {}
        in_line = [Waiting(case.delivered, case.changed_attempts) for case in self._in_line(now - LONG)]
        waiting = turned_away | {one.revision: one for one in in_line}
        return [
            one
            for revision, one in waiting.items()
            if revision not in self._told_until and one.delivered.event.publish_at <= now - LONG
        ]

    async def _tell(self, waiting: Sequence[Waiting], now: datetime) -> None:
        # noted before it is told: a wait that ends meanwhile is over all the same
        self._told_until |= {one.revision: now + TOLD_FOR for one in waiting}
        try:
            await self._emit(waiting, now)
        except BaseException:
            for one in waiting:
                self.wait_ended(one.delivered)
            raise

    async def _emit(self, waiting: Sequence[Waiting], now: datetime) -> None:
        keys = {one.delivered.key for one in waiting}
        async with self._store.unit() as unit:
            known, attempts = await unit.publications(keys), await unit.attempts(keys)
            told = []
            for one in waiting:
                delivered, current = one.delivered, known.get(one.delivered.key)
                tried = one.corrected(current, attempts.get(delivered.key, ()))
                if fact := waits(delivered, current, tried, now):
                    told.append(Envelope.of(fact, correlation_id=delivered.correlation_id))
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
    if revision != waiting.revision or waiting.is_withdrawn:
        return None
    is_waiting = waiting.state in (CLAIMED, State.RETRYING) and stands in (Standing.NOTHING_OUT, Standing.IN_DOUBT)
    never_left = any(one.evidence is Evidence.NOT_SENT for one in attempts)
    has_missed_its_start = waiting.state == State.SENDING and never_left and stands is Standing.NOTHING_OUT
    if not is_waiting and not has_missed_its_start:
        return None
    return facts.retrying(waiting, IN_LINE, now + TOLD_FOR, in_doubt=stands is Standing.IN_DOUBT)
