"""How full the services' queues are, as the broker says when it is asked for each by its name."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta

from shared.clocks.clock import Clock
from shared.messaging.broker import BrokerUnavailable, QueueFigures

LOOK_SECONDS = 3.0
"""A broker that does not answer must not keep a page from being shown."""
FRESH_FOR = timedelta(seconds=2)
"""However many look, the broker is asked for a queue once in so long."""
ABSENT_FOR = timedelta(minutes=1)
"""A queue that was not there is not asked for again so soon: the broker logs each such question as an error."""
SETTLED_AFTER = timedelta(seconds=2)
"""A page that is asked for again and again does without the freshest figures for so long; its last asking has them."""

FiguresByQueue = Mapping[str, QueueFigures | None]


class Depths:
    """Asks the broker for queues, and for each of them not too often."""

    def __init__(self, ask: Callable[[str], Awaitable[QueueFigures | None]], clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._known: dict[str, tuple[datetime, QueueFigures | None]] = {}
        self._turn = asyncio.Lock()
        self._looking: asyncio.Task[FiguresByQueue | None] | None = None

    async def of(self, names: Iterable[str]) -> FiguresByQueue | None:
        """By name how full each queue is, None where there is none; None at all where the broker does not answer."""
        wanted = list(dict.fromkeys(names))
        try:
            async with asyncio.timeout(LOOK_SECONDS), self._turn:
                await self._look(name for name in wanted if not self._is_fresh(name))
        except (BrokerUnavailable, TimeoutError):
            return None
        return {name: self._known[name][1] for name in wanted}

    async def lately(self, names: Iterable[str]) -> FiguresByQueue | None:
        """The same without waiting for the broker where it was asked a moment ago: a new look is taken meanwhile."""
        wanted = list(dict.fromkeys(names))
        if not all(self._is_known(name, SETTLED_AFTER) for name in wanted):
            return await self.of(wanted)
        if not all(map(self._is_fresh, wanted)) and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self.of(wanted))
        return {name: self._known[name][1] for name in wanted}

    async def _look(self, names: Iterable[str]) -> None:
        asked = list(names)
        found = await asyncio.gather(*map(self._ask, asked))
        now = self._clock.now()
        self._known.update({name: (now, figures) for name, figures in zip(asked, found, strict=True)})

    def _is_fresh(self, name: str) -> bool:
        return self._is_known(name, timedelta())

    def _is_known(self, name: str, and_for: timedelta) -> bool:
        """Whether what is known of the queue is fresh, or has not been for longer than this."""
        if name not in self._known:
            return False
        at, figures = self._known[name]
        age = abs(self._clock.now() - at)  # of a clock that was set back as well
        return age < (FRESH_FOR if figures else ABSENT_FOR) + and_for
