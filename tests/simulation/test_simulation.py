"""Seeds that are run with every `make test`, and what must be true of the simulation itself."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.simulation.mutation import Change
from tests.simulation.mutation_list import MUTATIONS
from tests.simulation.mutations import applied

ROOT = Path(__file__).parents[2]
SEEDS = {"small": "0:30", "hasty": "0"}
"""What is run of a scenario, the same each time: what fails now held before the change. `make simulate` goes on."""
EVENTFUL = ("small:60", "small:116", "small:292", "small:309")
"""Short runs that have between them every kind of network, and every trouble of processes, broker and databases."""

REGRESSIONS = {
    # each catches the mutation that brings its fault back: `a lost reply counts as not sent` …
    "a reply is lost, then the post is refused, and fails although it stands there": "small:0",
    "a post is edited while it is in doubt, and appears in both versions": "small:5",
    "a server fails after it has published, and gets the post again": "small:0",
    "a network is away for a while, and every post due then fails for good": "small:36",
    "a post whose sender died is told as skipped because it was to be taken back": "small:11",
    "the commit of an attempt is not heard of, and its post is in doubt for ever": "small:11",
    "a lease ends between a claim and its decision, and the message of a post that nobody has is dropped": "small:136",
    "a post is too late, and whoever withdrew it meanwhile is not answered": "small:63",
    "what waits several times within one attempt is swept each time": "outage:0",
    "an attempt that may have landed is forgotten for an earlier one of its number, and another text is published": (
        "small:214195"
    ),
    "an edit is refused while its post waits for long, and the post is asked for again too soon": "small:206975",
    "a service stops while it forgets what it has sent, which is sent again later": "small:220048",
    "a failed post is withdrawn for an edit that is refused, and counts as failed for ever": "small:400084",
    "a post is withdrawn that its sender has skipped already, and its callback comes twice": "small:465935",
    "what was opened already is sent though its network has just asked to be left alone": "small:20295",
    "a service stops before it has heard of the commit of an attempt, whose post is in doubt then": "small:1015056",
    "an attempt is kept as landed without its outcome, and its post is told as skipped": "everything:81",
    # of limits, which nothing short shows
    "a backlog on limited accounts is never sent": "backlog:0",
    "a post of a limited account overtakes one that is due before": "limits:19",
    "replicas of one account wait a commit for each other at each post, and leave most of its limit": "contested:0",
    # of the simulation itself
    "what is asked for again after its cancellation is taken to be cancelled": "hasty:354524",
    "a run is taken to be over while people wait for the broker to come back": "small:1052",
    "an account that a person connects again is taken to be asked to wait on": "small:212597",
    "a post that was held ahead of its instant is asked for again, and leaves before it": "small:7045174",
}
"""Faults that were found, by what they were, with the scenario and the seed that shows them if they come back."""


def simulation(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line, in a process of its own: it forks."""
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=850,
        check=False,
    )


def digests(cases: Sequence[str], **environment: str) -> list[str]:
    """What happens in each of these runs, as hashes."""
    run = simulation("--digests", "--cases", *cases, **environment)
    return [line for line in run.stdout.splitlines() if " seed " in line]


@pytest.fixture(scope="module")
def regressions() -> str:
    """What the runs that once showed a fault show now."""
    cases = sorted(set(REGRESSIONS.values()))
    run = simulation("--cases", *cases)
    assert f"{len(cases)} seeds" in run.stdout, run.stdout + run.stderr
    return run.stdout


@pytest.mark.parametrize("fault", REGRESSIONS)
def test_a_fault_that_was_found_is_gone(regressions: str, fault: str) -> None:
    """Its seed breaks no promise any more."""
    scenario, seed = REGRESSIONS[fault].split(":")

    assert f"seed {seed} ({scenario})" not in regressions, regressions


def test_a_seed_replays_bit_for_bit() -> None:
    """The same seed gives the same run, whatever order sets and dictionaries have, and whatever ran before it."""
    first = digests(EVENTFUL, PYTHONHASHSEED="1")
    second = digests(EVENTFUL[::-1], PYTHONHASHSEED="2")

    assert len(set(first)) == len(EVENTFUL)
    assert first == second[::-1]


@pytest.mark.parametrize("scenario", SEEDS)
def test_no_seed_breaks_a_promise(scenario: str) -> None:
    """A failure names its seed: run it again with `make simulate ARGS="--scenario … --trace SEED"`."""
    run = simulation("--seeds", SEEDS[scenario], "--scenario", scenario)

    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("change", [change for one in MUTATIONS for change in one.changes], ids=lambda one: one.file)
def test_a_mutation_still_fits_the_code(change: Change) -> None:
    """What it changes is there, once; else it would prove nothing."""
    before = (ROOT / change.file).read_text()

    assert applied(before, change.before, change.after) != before


def test_there_are_enough_mutations() -> None:
    """At least twenty, each under a name of its own."""
    assert len({one.name for one in MUTATIONS}) == len(MUTATIONS) >= 20
