"""Bulkheads: what hangs at one destination takes nothing from the others.

Each destination has turns of its own. It is unwell while all of them are taken and the oldest has been for too long;
then nobody waits for one, and afterwards a few try whether it is well again, instead of all.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

UNWELL_AFTER = 2.0
"""Seconds after which a turn has been taken for too long."""
PROBES = 2
"""How many try at once whether a destination is well again."""
FIRST_REST, LONGEST_REST = 5.0, 40.0
FORGET_AFTER = 600.0
"""Seconds without anybody after which an unwell destination is forgotten: longer than posts for it rest."""
LEAVING, LEAVE_SECONDS = 20, 0.01
"""How many of those who wait are turned away at once, and the pause between: thousands would stop all else."""


class Unwell(Exception):
    """The destination does not answer; `rest_seconds` is how long to stay away: longer the longer it lasts."""

    def __init__(self, name: str, rest_seconds: float) -> None:
        super().__init__(f"{name} does not answer: what is on its way has been there for more than {UNWELL_AFTER:g} s")
        self.rest_seconds = rest_seconds


class Turn:
    """One turn, from when it was taken. Its holder says whether the destination answered; None: it was not asked."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.was_answered: bool | None = None


@dataclass
class Bulkhead:
    """The turns of one destination, given in the order in which they are asked for."""

    name: str
    most: int
    _allowed: int = 0
    _taken: dict[Turn, None] = field(default_factory=dict)
    _waiting: deque[asyncio.Future[Turn]] = field(default_factory=deque)
    _unwell_since: float | None = None
    _left_at: float = 0.0
    _watch: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self._allowed = self.most

    @property
    def is_idle(self) -> bool:
        """Whether nobody is there and nothing is wrong."""
        return self._is_empty and self._unwell_since is None

    @property
    def is_forgotten(self) -> bool:
        """Whether nobody has been there for so long that it does not matter any more how it was."""
        return self._is_empty and _now() - self._left_at > FORGET_AFTER

    @property
    def _is_empty(self) -> bool:
        return not self._taken and not self._waiting

    @property
    def is_crowded(self) -> bool:
        """Whether all turns of a destination that is well are taken."""
        return self._is_full() and self._unwell_since is None

    def turn_away_if_unwell(self) -> None:
        """Raise Unwell while it is."""
        now = _now()
        if self._is_unwell(now):
            raise self._unwell(now)

    async def take(self) -> Turn:
        """A turn, as soon as there is one; Unwell when the destination is, or turns out to be while we wait."""
        self.turn_away_if_unwell()
        if self._is_full() or self._waiting:
            return await self._wait()
        return self._new_turn()

    def begin(self, turn: Turn) -> None:
        """Count the turn from now on."""
        self._taken.pop(turn, None)
        turn.since = _now()
        self._taken[turn] = None

    def give_back(self, turn: Turn) -> None:
        """End a turn and let the next one have it; an answer, however slow, shows that the destination is well."""
        del self._taken[turn]
        self._left_at = _now()
        if turn.was_answered:
            self._allowed, self._unwell_since = self.most, None
        self._let_in()

    def _new_turn(self) -> Turn:
        turn = Turn(_now())
        self._taken[turn] = None
        return turn

    def _is_full(self) -> bool:
        return len(self._taken) >= self._allowed

    def _is_unwell(self, now: float) -> bool:
        """Full for too long; and while a few try whether it is well again, full is enough."""
        return self._is_full() and (self._unwell_since is not None or now - self._oldest(now) > UNWELL_AFTER)

    def _oldest(self, now: float) -> float:
        return next(iter(self._taken)).since if self._taken else now

    def _unwell(self, now: float) -> Unwell:
        """Note since when it is, and let only a few try again."""
        if self._unwell_since is None:
            self._unwell_since = self._oldest(now)
            self._allowed = min(PROBES, self.most)
        return Unwell(self.name, min(max(FIRST_REST, now - self._unwell_since), LONGEST_REST))

    async def _wait(self) -> Turn:
        place: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._keep_watch()
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and not place.exception():
                del self._taken[place.result()]
                self._let_in()
            raise
        finally:
            del place  # else the error would hold this frame and, by it, itself

    def _let_in(self) -> None:
        while self._waiting and not self._is_full():
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(self._new_turn())

    def _keep_watch(self) -> None:
        """Look again when the oldest turn will have been taken for too long."""
        if self._watch is None:
            now = _now()
            due = max(self._oldest(now) + UNWELL_AFTER - now, 0) + LEAVE_SECONDS
            self._watch = asyncio.get_running_loop().call_later(due, self._look)

    def _look(self) -> None:
        self._watch = None
        now = _now()
        if self._is_unwell(now):
            self._turn_some_away(now)
        if self._waiting:
            self._keep_watch()

    def _turn_some_away(self, now: float) -> None:
        for _ in range(min(LEAVING, len(self._waiting))):
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(self._unwell(now))


class Bulkheads:
    """The bulkheads of all destinations at which something goes on, by name."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._at_work: dict[str, Bulkhead] = {}

    def is_crowded(self) -> bool:
        """Whether all turns of a destination that is well are taken."""
        return any(bulkhead.is_crowded for bulkhead in self._at_work.values())

    def turn_away_if_unwell(self, destination: str) -> None:
        """Raise Unwell while the destination is."""
        if bulkhead := self._at_work.get(destination):
            bulkhead.turn_away_if_unwell()

    async def take(self, destination: str) -> Turn:
        """A turn at the destination; raises Unwell."""
        if destination not in self._at_work:
            self._forget_the_oldest()
            self._at_work[destination] = Bulkhead(destination, self._most)
        return await self._at_work[destination].take()

    def begin(self, destination: str, turn: Turn) -> None:
        """Count the turn from now on: until here it waited for us, not for the destination."""
        self._at_work[destination].begin(turn)

    def give_back(self, destination: str, turn: Turn) -> None:
        """End a turn; a destination that nobody is at is forgotten."""
        bulkhead = self._at_work[destination]
        bulkhead.give_back(turn)
        if bulkhead.is_idle:
            del self._at_work[destination]

    @asynccontextmanager
    async def turn(self, destination: str) -> AsyncIterator[Turn]:
        """Hold a turn for the length of the block; raises Unwell."""
        turn = await self.take(destination)
        try:
            yield turn
            turn.was_answered = True
        finally:
            self.give_back(destination, turn)

    def _forget_the_oldest(self) -> None:
        for name in [name for name, bulkhead in self._at_work.items() if bulkhead.is_forgotten]:
            del self._at_work[name]


def _now() -> float:
    """Time as it passes, whatever the wall clock shows."""
    return asyncio.get_running_loop().time()
