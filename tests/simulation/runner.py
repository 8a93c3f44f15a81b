"""Runs seeds in processes that are forked and thrown away, some short ones in each: no run reaches the next.

All are forked from one that has had a run already, the same each time: what is made once is made there.
"""

import gc
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.simulation import assembly, nets, statements, tuning
from tests.simulation.folders import copied, folder_in_memory, templates
from tests.simulation.invariants import violations
from tests.simulation.scenarios import SMALL, WARMING_UP, Scenario, scenario_of
from tests.simulation.virtual_time import Stuck
from tests.simulation.world import World

MOST_SECONDS = 25
"""Of processor time, after which a run is given up."""
SHORT_ONES = 20
"""Runs of `small` that one process has in turn."""


@dataclass(frozen=True)
class Result:
    """What came of one seed."""

    seed: int
    scenario: str
    lives: int
    digest: str
    violations: list[tuple[str, str]]
    cpu_seconds: float
    virtual_seconds: float
    lines: list[str] = field(default_factory=list)

    def names(self) -> list[str]:
        """The invariants that do not hold."""
        return sorted({name for name, _ in self.violations})


def simulate(seed: int, scenario: Scenario, empty: Path, *, keeps_lines: bool = False) -> Result:
    """Run one seed in this very process, whose sources of chance belong to it from then on."""
    with tuning.usual_again():
        tuning.lengthen(tuning.IDLE_LOOPS, scenario.idle_pace)
        tuning.narrow(scenario.turns)
        nets.cut(nets.nets_of(scenario, seed))
        return _run(seed, scenario, empty, keeps_lines)


def _run(seed: int, scenario: Scenario, empty: Path, keeps_lines: bool) -> Result:
    assembly.make_chance_repeatable(f"{scenario.name}/{seed}")
    folder = copied(empty)
    begun = time.process_time()
    try:
        world = World(seed, scenario, folder, keeps_lines=keeps_lines)
        _OVER.append(world)
        wrong: list[tuple[str, str]] = []
        try:
            world.run()
        except Stuck as error:
            wrong.append(("everything_settles", str(error)))
        wrong += violations(world)
        return Result(
            seed=seed,
            scenario=scenario.name,
            lives=len({wish.key for wish in world.user.wishes.values()}),
            digest=world.trace.digest,
            violations=wrong,
            cpu_seconds=time.process_time() - begun,
            virtual_seconds=world.loop.time(),
            lines=world.trace.lines,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_OVER: list[World] = []
"""Runs that are over, kept as they are: what dead processes left must not be finalized in the middle of another run."""


def warm_up(empty: Path) -> None:
    """Have a short run of all that others do, so that statements are compiled and schemas built before they begin."""
    gc.disable()
    statements.build_once()
    _run(0, WARMING_UP, empty, keeps_lines=False)
    gc.freeze()


Case = tuple[int, str | None]
"""A seed and its scenario; without one, seeds take turns."""


@dataclass
class Runner:
    """Runs many seeds, some at a time."""

    processes: int = 1

    def results(self, cases: Iterable[Case], *, keeps_lines: bool = False) -> Iterator[Result]:
        """The results as they come."""
        empty = folder_in_memory()
        templates(empty, assembly.TABLES)
        warm_up(empty)
        waiting = deque(cases)
        running: dict[int, tuple[list[Case], int]] = {}
        try:
            while waiting or running:
                while len(running) < self.processes and waiting:
                    some = _next_of(waiting)
                    pid, pipe = self._fork(some, empty, keeps_lines)
                    running[pid] = some, pipe
                pid = next(iter(running))
                some, pipe = running.pop(pid)
                found = self._results(some, pid, pipe)
                waiting.extendleft(reversed(some[len(found) :]))
                yield from found
        finally:
            for pid in running:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            shutil.rmtree(empty, ignore_errors=True)

    def _fork(self, cases: list[Case], empty: Path, keeps_lines: bool) -> tuple[int, int]:
        reading, writing = os.pipe()
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            os.close(writing)
            return pid, reading
        os.close(reading)
        with os.fdopen(writing, "w") as file:
            for case in cases:
                file.write(self._work(case, empty, keeps_lines) + "\n")
                file.flush()
        os._exit(0)

    def _work(self, case: Case, empty: Path, keeps_lines: bool) -> str:
        signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        try:
            told = asdict(simulate(case[0], scenario_of(*case), empty, keeps_lines=keeps_lines))
        except BaseException as error:
            told = {"broken": "".join(traceback.format_exception(error))}
        return json.dumps(told)

    def _results(self, cases: list[Case], pid: int, pipe: int) -> list[Result]:
        """What came of them, up to the one that was given up, if any."""
        with os.fdopen(pipe) as file:
            lines = file.read().splitlines()
        os.waitpid(pid, 0)
        found = [_result(case, json.loads(line)) for case, line in zip(cases, lines, strict=False)]
        if len(found) < len(cases):
            gave_up = {"broken": f"gave up after {MOST_SECONDS} s of processor time"}
            found.append(_result(cases[len(found)], gave_up))
        return found


def _next_of(waiting: deque[Case]) -> list[Case]:
    """The next case, and as many short ones after it as one process has in turn."""
    some = [waiting.popleft()]
    while waiting and len(some) < SHORT_ONES and {some[0][1], waiting[0][1]} == {SMALL}:
        some.append(waiting.popleft())
    return some


def _result(case: Case, told: dict[str, Any]) -> Result:
    if "broken" in told:
        return Result(case[0], scenario_of(*case).name, 0, "", [("the_simulation_works", told["broken"])], 0.0, 0.0)
    told["violations"] = [tuple(one) for one in told["violations"]]
    return Result(**told)
