"""Runs seeds, each in a process of its own that is forked and thrown away: nothing of one run reaches the next.

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
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.simulation import assembly, nets
from tests.simulation.folders import copied, folder_in_memory, templates
from tests.simulation.invariants import violations
from tests.simulation.scenarios import WARMING_UP, Scenario, scenario_of
from tests.simulation.virtual_time import Stuck
from tests.simulation.world import World

MOST_SECONDS = 25
"""Of processor time, after which a run is given up."""


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
    assembly.look_more_seldom(scenario.idle_pace)
    assembly.narrow(scenario.turns, scenario.prefetch)
    nets.cut(nets.nets_of(scenario, seed))
    return _run(seed, scenario, empty, keeps_lines)


def _run(seed: int, scenario: Scenario, empty: Path, keeps_lines: bool) -> Result:
    gc.disable()
    assembly.make_chance_repeatable(f"{scenario.name}/{seed}")
    folder = copied(empty)
    begun = time.process_time()
    try:
        world = World(seed, scenario, folder, keeps_lines=keeps_lines)
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


def warm_up(empty: Path) -> None:
    """Have a short run of all that others do, so that statements are compiled and schemas built before they begin."""
    _run(0, WARMING_UP, empty, keeps_lines=False)


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
        waiting = iter(cases)
        running: dict[int, tuple[Case, int]] = {}
        try:
            while True:
                while len(running) < self.processes and (case := next(waiting, None)) is not None:
                    pid, pipe = self._fork(case, empty, keeps_lines)
                    running[pid] = (case, pipe)
                if not running:
                    return
                pid = next(iter(running))
                case, pipe = running.pop(pid)
                yield self._result(case, pid, pipe)
        finally:
            for pid in running:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            shutil.rmtree(empty, ignore_errors=True)

    def _fork(self, case: Case, empty: Path, keeps_lines: bool) -> tuple[int, int]:
        reading, writing = os.pipe()
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            os.close(writing)
            return pid, reading
        os.close(reading)
        self._work(case, empty, keeps_lines, writing)
        os._exit(0)

    def _work(self, case: Case, empty: Path, keeps_lines: bool, pipe: int) -> None:
        signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        try:
            told = asdict(simulate(case[0], scenario_of(*case), empty, keeps_lines=keeps_lines))
        except BaseException as error:
            told = {"broken": "".join(traceback.format_exception(error))}
        with os.fdopen(pipe, "w") as file:
            json.dump(told, file)

    def _result(self, case: Case, pid: int, pipe: int) -> Result:
        with os.fdopen(pipe) as file:
            text = file.read()
        os.waitpid(pid, 0)
        told = json.loads(text) if text else {"broken": f"gave up after {MOST_SECONDS} s of processor time"}
        if "broken" in told:
            return Result(case[0], scenario_of(*case).name, 0, "", [("the_simulation_works", told["broken"])], 0.0, 0.0)
        told["violations"] = [tuple(one) for one in told["violations"]]
        return Result(**told)
