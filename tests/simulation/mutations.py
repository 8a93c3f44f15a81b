"""Faults put into the code on purpose, one at a time, in a copy of the tree: each must be caught within 1,000 seeds.

python -m tests.simulation.mutations [NAME …] [--scenario small] [--seeds 1000] [--processes 2]
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.mutation import Mutation
from tests.simulation.mutation_list import MUTATIONS
from tests.simulation.runner import Runner

ROOT = Path(__file__).parents[2]
PACKAGES = ("services", "shared", "tests/simulation")
MOST_SEEDS = 1000
_FIRST = re.compile(r"^seed (\d+) \((\w+)\): (\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Caught:
    """The first seed that shows a mutation."""

    seed: int
    scenario: str
    invariant: str


def main() -> int:
    """Show for each mutation what catches it; the exit status is 1 where one escapes."""
    given = _arguments()
    chosen = [one for one in MUTATIONS if not given.names or one.name in given.names]
    escaped = 0
    for mutation in chosen:
        begun = time.monotonic()
        scenario = given.scenario or mutation.scenario
        caught = catch(mutation, scenario, seeds=given.seeds, processes=given.processes)
        escaped += caught is None
        told = f"seed {caught.seed} of {caught.scenario}: {caught.invariant}" if caught else "NOT CAUGHT"
        print(f"{mutation.name}: {told} ({time.monotonic() - begun:.0f} s)", flush=True)
    print(f"{len(chosen) - escaped} of {len(chosen)} mutations caught")
    return 1 if escaped else 0


def catch(mutation: Mutation, scenario: str | None, *, seeds: int = MOST_SEEDS, processes: int = 1) -> Caught | None:
    """The first violation that the mutation alone causes."""
    with mutated(mutation) as tree:
        begin = 0
        while begin < seeds:
            found = _first_violation(tree, scenario, begin, seeds, processes)
            if found is None:
                return None
            if _is_clean(found.seed, found.scenario):
                return found
            begin = found.seed + 1
    return None


def _first_violation(tree: Path, scenario: str | None, begin: int, end: int, processes: int) -> Caught | None:
    arguments = ["--seeds", f"{begin}:{end}", "--first", "--processes", str(processes)]
    arguments += ["--scenario", scenario] if scenario else []
    run = subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments], cwd=tree, capture_output=True, text=True, check=False
    )
    first = _FIRST.search(run.stdout)
    if first is None and run.returncode:
        raise RuntimeError(run.stdout[-2000:] + run.stderr[-2000:])
    return Caught(int(first[1]), first[2], first[3]) if first else None


def _is_clean(seed: int, scenario: str) -> bool:
    """Whether the code as it is breaks nothing there."""
    (result,) = Runner().results([(seed, scenario)])
    return not result.violations


@contextmanager
def mutated(mutation: Mutation) -> Iterator[Path]:
    """A copy of the tree with the mutation in it; all else is compiled already."""
    with tempfile.TemporaryDirectory(prefix="timeball-mutation-") as folder:
        tree = Path(folder)
        for package in PACKAGES:
            shutil.copytree(ROOT / package, tree / package)
        (tree / "tests" / "__init__.py").touch()
        for change in mutation.changes:
            file = tree / change.file
            file.write_text(applied(file.read_text(), change.before, change.after))
        yield tree


def applied(text: str, before: str, after: str) -> str:
    """The text with the change; ValueError where there is not exactly one place for it."""
    if text.count(before) != 1:
        raise ValueError(f"found {text.count(before)} times, not once: {before!r}")
    return text.replace(before, after)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutations", description=__doc__)
    parser.add_argument("names", nargs="*", help="else all")
    parser.add_argument("--scenario", help="else the one that each mutation names")
    parser.add_argument("--seeds", type=int, default=MOST_SEEDS)
    parser.add_argument("--processes", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
