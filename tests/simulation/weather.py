"""What fails, drawn from the seed as it is asked for: broker, databases and networks."""

from dataclasses import replace
from random import Random

from tests.simulation.networks import Fate
from tests.simulation.scenarios import FATES, Scenario
from tests.simulation.servers import Network
from tests.simulation.sqlite import BUSY, FULL, IO_ERROR
from tests.simulation.virtual_time import VirtualLoop

ERRORS = (BUSY, IO_ERROR, FULL)
LAGS = {"mastodon": 9.0, "x": 25.0}
"""Seconds that look-ups are behind at most, as each network says; a sandbox shows at once what it has."""
BEGINS_AT = 1.9
"""Seconds: the accounts are connected before."""


class Weather:
    """Trouble until it clears up; afterwards only what is normal."""

    def __init__(self, scenario: Scenario, seed: str, loop: VirtualLoop) -> None:
        self.scenario = scenario
        self._loop = loop
        self._broker = Random(f"{seed}/broker")
        self._database = Random(f"{seed}/database")
        self._network = Random(f"{seed}/network")
        self._names = list(scenario.fates)
        self._odds = list(scenario.fates.values())
        self.clears_at = 0.0
        self.away_until: dict[str, float] = {}

    @property
    def is_fair(self) -> bool:
        """Whether nothing fails yet, or any more."""
        return not BEGINS_AT <= self._loop.time() < self.clears_at

    # the broker

    def transit_seconds(self) -> float:
        return self._broker.uniform(*self.scenario.transit)

    def publish_fate(self) -> str:
        lost, unheard = self.scenario.publish_lost, self.scenario.publish_unheard
        if (not lost and not unheard) or self.is_fair:
            return "done"
        drawn = self._broker.random()
        return "lost" if drawn < lost else "unheard" if drawn < lost + unheard else "done"

    def is_acknowledgement_lost(self) -> bool:
        return self._happens(self._broker, self.scenario.acknowledgement_lost)

    def is_dead_lettered_twice(self) -> bool:
        return self._happens(self._broker, self.scenario.dead_lettered_twice)

    # the databases

    def statement_error(self, service: str) -> int | None:
        return self._database.choice(ERRORS) if self._happens(self._database, self.scenario.statement_fails) else None

    def statement_seconds(self, service: str, rows: int) -> float:
        return rows * self.scenario.row_seconds

    def commit_seconds(self, service: str) -> float:
        return self._database.uniform(*self.scenario.commit_seconds)

    def commit_fate(self, service: str) -> str:
        refused, unheard = self.scenario.commit_refused, self.scenario.commit_unheard
        if (not refused and not unheard) or self.is_fair:
            return "done"
        drawn = self._database.random()
        return "refused" if drawn < refused else "unheard" if drawn < refused + unheard else "done"

    # the networks

    def fate(self, network: Network, *, publishes: bool) -> Fate:
        """Look-ups fail less often than what publishes, and never by halves."""
        if self.away_until.get(network.host, 0.0) > self._loop.time():
            return FATES[self.scenario.outage]
        if self.is_fair:
            return FATES["ok"]
        (name,) = self._network.choices(self._names, self._odds)
        fate = FATES[name]
        if not publishes and name not in ("ok", "slow", "no_connection", "busy_503", "untaken_500"):
            fate = FATES["ok"]
        stretch = self._network.uniform(0.3, 1.2)
        return replace(fate, travels=fate.travels * stretch, returns=fate.returns * stretch)

    def lag_seconds(self, network: Network) -> float:
        return self._network.uniform(0.0, LAGS.get(network.kind, 0.0))

    def _happens(self, stream: Random, odds: float) -> bool:
        return bool(odds) and not self.is_fair and stream.random() < odds
