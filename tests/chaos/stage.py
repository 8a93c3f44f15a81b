"""The processes and the broker, and what may befall them."""

import asyncio
import random
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from deploy.local.broker_node import BrokerNode
from tests.support.processes import Process

PUBLISHERS_MORE = 4
"""How much more often something befalls a publisher: only there a post can appear twice."""
LONGEST_PAUSE = 3.0
LONGEST_FREEZE = 7.0
"""Longer than a lease of the publisher and than its sends may take."""


@dataclass
class Stage:
    """What runs, and who spoils it."""

    processes: list[Process]
    broker: BrokerNode
    chance: random.Random
    say: Callable[[str], None] = print
    begun: float = field(default_factory=time.monotonic)

    async def spoil(self, seconds: float) -> None:
        """Let things happen for so long; all runs again afterwards."""
        until = self.begun + seconds
        await asyncio.gather(self._often(self._a_process, (0.2, 1.5), until), self._often(self._broker, (6, 15), until))

    async def _often(
        self, act: Callable[[], Coroutine[Any, Any, None]], pause: tuple[float, float], until: float
    ) -> None:
        while (wait := self.chance.uniform(*pause)) + time.monotonic() < until:
            await asyncio.sleep(wait)
            await act()

    async def _a_process(self) -> None:
        often = [PUBLISHERS_MORE if one.name.startswith("publisher") else 1 for one in self.processes]
        process = self.chance.choices(self.processes, often)[0]
        act = self.chance.choices((self._kill, self._freeze, self._restart), (5, 3, 2))[0]
        await act(process)

    async def _kill(self, process: Process) -> None:
        self._tell(f"{process.name} is killed")
        await process.kill()
        await self._start(process)

    async def _freeze(self, process: Process) -> None:
        seconds = self.chance.uniform(0, LONGEST_FREEZE)
        self._tell(f"{process.name} is frozen for {seconds:.1f} s")
        process.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        process.process.send_signal(signal.SIGCONT)

    async def _restart(self, process: Process) -> None:
        self._tell(f"{process.name} is told to end")
        code = await process.stop()
        assert code == 0, f"{process.name} ended with {code}"
        await self._start(process)

    async def _start(self, process: Process) -> None:
        await asyncio.sleep(self.chance.uniform(0, LONGEST_PAUSE))
        await process.start()
        self._tell(f"{process.name} is started again")

    async def _broker(self) -> None:
        is_killed = self.chance.random() < 0.5
        self._tell(f"the broker is {'killed' if is_killed else 'stopped'}")
        await asyncio.to_thread(self.broker.kill if is_killed else self.broker.stop)
        await asyncio.sleep(self.chance.uniform(0, LONGEST_PAUSE))
        await asyncio.to_thread(self.broker.start)
        self._tell("the broker is there again")

    def _tell(self, what: str) -> None:
        self.say(f"{time.monotonic() - self.begun:6.1f} s  {what}")
