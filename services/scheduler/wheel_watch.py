"""What rests in the wheel and is gone before its time is noticed, and asked for again at once.

Somebody may delete or purge the wheel's queues, or the virtual host; a policy may let them, or their messages, expire.
Where nobody looked, the sweep would miss the outcomes only half a minute after the posts were due.

So it is where the clock is set, as when a machine goes on that had been suspended: messages leave their slots when they
were to leave by the old time, and those that are put behind them wait for that.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field
from itertools import chain

import structlog

from services.scheduler.domain import Schedule
from services.scheduler.periodic import OUTCOME_GRACE, Sweeper
from services.scheduler.release import LEAD
from services.scheduler.store import Store
from shared.clocks.clock import Clock, loop_time
from shared.messaging.broker import BrokerUnavailable, Outgoing, Publisher
from shared.messaging.topology import DELAYED_EXCHANGE, slot_queue

LOOK_SECONDS = 5.0
CLOCK_SECONDS = 1.0
"""How often it is looked whether the clock was set; by less than the lead makes no post late."""
SURELY_SECONDS = 2.0
"""So long after it was sent, and before it leaves, a message is certainly counted in its slot."""
AGAIN_SECONDS = 1.0
"""After which it is looked a second time: a queue whose leader is being elected is said to be empty."""
LATELY_SECONDS = 10.0
"""What should have left so lately may be gone as well, where others are: nobody looked at its slot since."""
GOES_ON_SECONDS = 30.0, 180.0
"""Messages that are gone again so long after others were are no single act, and somebody must be told."""
TOLD_SECONDS = 90.0
"""For so long it is told: while it goes on, messages are found gone once a minute."""
GONE = (
    "messages were gone from timeball.delay.* before their time: somebody deletes or purges these queues, or a policy "
    "lets them or their messages expire; posts are asked for again, and go without a delay for a minute"
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Resting:
    """A revision whose message is in the wheel; instants are those of the loop, which nobody sets."""

    post_id: str
    account_id: str
    revision: int
    sent_at: float
    leaves_at: float


@dataclass
class WheelWatch:
    """Looks whether the slots hold what this process has put into them."""

    store: Store
    publisher: Publisher
    clock: Clock
    sweeper: Sweeper
    _resting: dict[str, list[Resting]] = field(default_factory=lambda: defaultdict(list))
    _ahead: float = math.nan
    _gone_at: float = -math.inf
    _told_until: float = 0.0

    def note(self, schedule: Schedule, sent: Outgoing, asked_at: float) -> None:
        """Remember a message that the broker has confirmed; its time has been running since `asked_at`."""
        if sent.envelope.exchange == DELAYED_EXCHANGE and sent.expiration_ms:
            leaves_at = asked_at + sent.expiration_ms / 1000
            one = Resting(schedule.post_id, schedule.account_id, schedule.revision, loop_time(), leaves_at)
            self._resting[str(sent.envelope.headers["slot"])].append(one)

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except BrokerUnavailable as error:
                log.info("wheel_not_looked_at", error=str(error))
            except Exception as error:
                log.warning("wheel_watch_failed", error=repr(error))

    async def watch_clock(self) -> None:
        """Look for ever whether the clock was set."""
        while True:
            await asyncio.sleep(CLOCK_SECONDS)
            try:
                await self.look_at_clock()
            except Exception as error:
                log.warning("clock_not_watched", error=repr(error))

    async def look_at_clock(self) -> None:
        """Where the clock was set, do not rely on the wheel until it has turned; what would leave late goes again."""
        ahead = self.clock.now().timestamp() - loop_time()
        step = ahead - self._ahead
        if abs(step) >= LEAD.total_seconds():
            log.warning("clock_was_set", seconds=round(step, 3))
            self.publisher.avoid_delays()
        if step >= LEAD.total_seconds():
            await self._ask_again({one for one in self._all() if one.leaves_at > loop_time()})
        self._ahead = ahead

    async def look(self) -> int:
        """Ask again for the posts whose messages are gone; how many there were."""
        forgotten_before = loop_time() - LATELY_SECONDS
        self._keep(lambda one: one.leaves_at > forgotten_before)
        if not (missed := await self._short_of(list(self._resting))):
            return 0
        await asyncio.sleep(AGAIN_SECONDS)
        lost = set(chain.from_iterable((await self._short_of(missed)).values()))
        if lost:
            lost |= {one for one in self._all() if one.leaves_at <= loop_time() + SURELY_SECONDS}
            log.warning("delayed_messages_gone", posts=len(lost), reason=GONE)
            self._note_gone(loop_time())
            await self._ask_again(lost)
        return len(lost)

    async def problem(self) -> str | None:
        """Whether messages are gone again and again."""
        return GONE if loop_time() < self._told_until else None

    async def _ask_again(self, lost: Set[Resting]) -> None:
        self.publisher.avoid_delays()
        expected_at = self.clock.now() - OUTCOME_GRACE
        await self.store.expect_by(expected_at, (((one.post_id, one.account_id), one.revision) for one in lost))
        self._keep(lambda one: one not in lost)
        while await self.sweeper.sweep():  # it takes a thousand at once
            pass

    def _note_gone(self, now: float) -> None:
        shortest, longest = GOES_ON_SECONDS
        if shortest <= now - self._gone_at <= longest:
            self._told_until = now + TOLD_SECONDS
        if now - self._gone_at >= shortest:
            self._gone_at = now

    async def _short_of(self, slots: Iterable[str]) -> dict[str, list[Resting]]:
        """What each slot should still hold, of those that hold fewer messages."""
        return {slot: missed for slot in slots if (missed := await self._missed_in(slot))}

    async def _missed_in(self, slot: str) -> list[Resting]:
        settled = [one for one in self._resting[slot] if one.sent_at <= loop_time() - SURELY_SECONDS]
        if not _still(settled):
            return []
        figures = await self.publisher.queue_figures(slot_queue(slot))
        expected = _still(settled)
        return expected if len(expected) > (figures.messages if figures else 0) else []

    def _all(self) -> Iterable[Resting]:
        return chain.from_iterable(self._resting.values())

    def _keep(self, stays: Callable[[Resting], bool]) -> None:
        kept = {slot: [one for one in resting if stays(one)] for slot, resting in self._resting.items()}
        self._resting = defaultdict(list, {slot: resting for slot, resting in kept.items() if resting})


def _still(resting: Iterable[Resting]) -> list[Resting]:
    """Those that have certainly not left their slot."""
    return [one for one in resting if one.leaves_at > loop_time() + SURELY_SECONDS]
