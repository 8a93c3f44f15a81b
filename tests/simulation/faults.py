"""What befalls the processes, the broker and the networks as a whole, at instants drawn from the seed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Protocol

from tests.simulation.scenarios import Scenario
from tests.simulation.virtual_time import Process, VirtualLoop

HEARTBEAT_LOST_AFTER = 45.0
MOST_STEPS_TO_DEATH = 400
HICCUP = (0.01, 0.15)
LONGEST_STALL = 4.0
BEFORE_A_MOMENT, JUST_BEFORE = 0.5, 0.6


class Machines(Protocol):
    """What faults act on."""

    loop: VirtualLoop

    def processes(self) -> list[Process]:
        """Those that are alive."""
        ...

    def moments(self) -> list[float]:
        """Instants at which many posts are due."""
        ...

    def hosts(self) -> list[str]:
        """The networks' hosts."""
        ...

    def crash(self, process: Process, *, noticed_after: float, down_for: float) -> None: ...
    def freeze(self, process: Process, seconds: float) -> None: ...
    def restart(self, process: Process) -> None: ...
    def break_broker(self, seconds: float) -> None: ...
    def break_network(self, host: str, seconds: float) -> None: ...
    def record(self, what: str, *details: object) -> None: ...


@dataclass(eq=False)
class Faults:
    """Draws them and lets them happen."""

    machines: Machines
    scenario: Scenario
    chance: Random
    clocks_apart: timedelta = timedelta(0)
    """How far apart the clocks of two replicas of one service have been at most."""

    def plan(self) -> None:
        """Spread them over the time of trouble."""
        scenario = self.scenario
        for count, fault in (
            (scenario.crashes, self._crash),
            (scenario.freezes, self._freeze),
            (scenario.hiccups, self._hiccup),
            (scenario.clock_steps, self._step_clock),
            (scenario.restarts, self._restart),
            (scenario.broker_outages, self._break_broker),
            (scenario.outages, self._break_network),
        ):
            for _ in range(count):
                self._at(self._instant(), fault)

    def _instant(self) -> float:
        """Half of them just before many posts are due: a third within 20 ms, when starts are committed and not over."""
        moments = self.machines.moments()
        if moments and self.chance.random() < BEFORE_A_MOMENT:
            return max(3.0, self.chance.choice(moments) - JUST_BEFORE * self.chance.random() ** 3)
        return self.chance.uniform(3.0, max(4.0, self.scenario.trouble_seconds - 20))

    def _at(self, when: float, fault: Callable[[], None]) -> None:
        self.machines.loop.later(max(0.0, when - self.machines.loop.time()), fault)

    def _any(self) -> Process | None:
        there = [one for one in self.machines.processes() if not one.is_frozen and one.dies_at_step is None]
        return self.chance.choice(there) if there else None

    def slow_down(self, process: Process) -> None:
        """Let it stand still between any two steps, now and then, for up to seconds, while there is trouble."""
        if self.scenario.stalls:
            process.on_stall = self._stall
            process.stalls_at_step = self._next_stall(process)

    def _stall(self, process: Process) -> None:
        process.stalls_at_step = self._next_stall(process)
        if self.machines.loop.time() < self.scenario.trouble_seconds:
            self.machines.freeze(process, LONGEST_STALL * self.chance.random() ** 3)
        else:
            process.stalls_at_step = None

    def _next_stall(self, process: Process) -> int:
        return process.steps + 1 + int(self.chance.expovariate(self.scenario.stalls))

    def _crash(self) -> None:
        """At any step of its near future, in the middle of whatever it is doing then."""
        if process := self._any():
            noticed_after = self.chance.choice((0.0, 0.0, self.chance.uniform(5, 60)))
            down_for = self.chance.uniform(0.2, 15)
            process.on_death = lambda dying: self.machines.crash(dying, noticed_after=noticed_after, down_for=down_for)
            process.dies_at_step = process.steps + self.chance.randint(1, MOST_STEPS_TO_DEATH)

    def _freeze(self) -> None:
        if process := self._any():
            self.machines.freeze(process, self.chance.uniform(*self.scenario.freeze_seconds))

    def _hiccup(self) -> None:
        if process := self._any():
            self.machines.freeze(process, self.chance.uniform(*HICCUP))

    def _step_clock(self) -> None:
        if process := self._any():
            step = timedelta(seconds=self.chance.choice((-1, 1)) * self.chance.choice((0.2, 2.0, 45.0)))
            self.machines.record("clock", process.name, step)
            process.clock_offset += step
            for other in self.machines.processes():
                if other.service == process.service:
                    self.clocks_apart = max(self.clocks_apart, abs(other.clock_offset - process.clock_offset))

    def _restart(self) -> None:
        if process := self._any():
            self.machines.restart(process)

    def _break_broker(self) -> None:
        self.machines.break_broker(self.chance.uniform(0.5, 20))

    def _break_network(self) -> None:
        hosts = self.machines.hosts()
        self.machines.break_network(self.chance.choice(hosts), self.chance.uniform(*self.scenario.outage_seconds))
