"""Safety nets, cut in some runs: what only comes to its end because a net catches it shows as never ending there."""

from random import Random

from tests.simulation import tuning
from tests.simulation.scenarios import Scenario

FOR_EVER = 10_000
"""Times longer than a net waits; no run lasts so long."""


def nets_of(scenario: Scenario, seed: int) -> frozenset[str]:
    """Which nets a run has to do without: half of those that nothing in it needs."""
    chance = Random(f"{scenario.name}/{seed}/nets")
    return frozenset(net for net in _not_needed(scenario) if chance.random() < 0.5)


def _not_needed(scenario: Scenario) -> list[str]:
    """No message is ever lost, so that nothing needs the sweep; outboxes are taken over from whoever died or failed,
    stood still for so long that it gave its own commit up, or had to end while the broker took nothing."""
    nets = ["sweep"]
    commits_fail = scenario.statement_fails or scenario.commit_unheard or scenario.commit_refused
    senders_fail = scenario.crashes or scenario.freezes or commits_fail
    broker_fails = scenario.broker_outages or scenario.publish_lost or scenario.publish_unheard
    if not (senders_fail or (scenario.restarts and broker_fails)):
        nets.append("takeover")
    if not scenario.clock_steps:
        nets.append("look")
    return nets


def cut(nets: frozenset[str]) -> None:
    """Do without these, for this run."""
    tuning.lengthen([tuning.NETS[net] for net in sorted(nets)], FOR_EVER)
