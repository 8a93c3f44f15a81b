"""The command line: `python -m tests.simulation --seeds 0:1000 [--scenario NAME] [--processes 2] [--trace SEED]`."""

import argparse
import random
import sys
import time

from tests.simulation.runner import Case, Result, Runner
from tests.simulation.scenarios import SCENARIOS

MOST_SHOWN = 3


def main() -> int:
    """Run the seeds; the exit status is 1 where something does not hold."""
    given = _arguments()
    runner = Runner(given.processes)
    if given.trace is not None:
        return _trace(runner, given.trace, given.scenario)
    cases = [_case(one) for one in given.cases] or [(seed, given.scenario) for seed in _range(given.seeds)]
    begun, lives, cpu, wrong, done = time.monotonic(), 0, 0.0, 0, 0
    for result in runner.results(cases):
        done, lives, cpu = done + 1, lives + result.lives, cpu + result.cpu_seconds
        if given.digests:
            print(_digest(result))
        if result.violations:
            wrong += 1
            _show(result)
            if given.first:
                break
        if given.seconds and time.monotonic() - begun > given.seconds:
            break
    rate = lives / cpu if cpu else 0
    print(
        f"{lives} post lives, {done} seeds, {wrong} with violations, {time.monotonic() - begun:.1f} s "
        f"({rate:.0f} lives per second of processor time)"
    )
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", help="first:last, or one seed; else 100 from a random one")
    parser.add_argument("--cases", nargs="*", default=[], metavar="SCENARIO:SEED", help="these instead of --seeds")
    parser.add_argument("--scenario", choices=sorted(SCENARIOS), help="else seeds take turns")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="begin no new seed after so long")
    parser.add_argument("--first", action="store_true", help="stop at the first violation")
    parser.add_argument("--digests", action="store_true", help="a hash of all that happens in each run")
    parser.add_argument("--trace", type=int, metavar="SEED", help="all that happens in one run")
    return parser.parse_args()


def _range(seeds: str | None) -> range:
    if seeds is None:
        start = random.randrange(10**6)
        return range(start, start + 100)
    first, _, last = seeds.partition(":")
    return range(int(first), int(last) if last else int(first) + 1)


def _case(text: str) -> Case:
    scenario, _, seed = text.partition(":")
    return int(seed), scenario


def _trace(runner: Runner, seed: int, scenario: str | None) -> int:
    (result,) = runner.results([(seed, scenario)], keeps_lines=True)
    print("\n".join(result.lines))
    _show(result, most=100)
    print(_digest(result))
    return 1 if result.violations else 0


def _digest(result: Result) -> str:
    return f"{result.scenario} seed {result.seed}: {result.digest}"


def _show(result: Result, most: int = MOST_SHOWN) -> None:
    for name in result.names():
        found = [what for one, what in result.violations if one == name]
        print(f"seed {result.seed} ({result.scenario}): {name}, {len(found)} times")
        for what in found[:most]:
            print(f"    {what}")


if __name__ == "__main__":
    sys.exit(main())
