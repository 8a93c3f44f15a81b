"""A run that is over, sorted by post."""

from collections import defaultdict
from collections.abc import Iterator

from shared.events.scheduler import PublishRequested, ScheduleAccepted, ScheduleBatchSettled
from tests.simulation.networks import Entry
from tests.simulation.servers import Taken
from tests.simulation.user import Wish
from tests.simulation.witness import Key, Told
from tests.simulation.world import World

Violations = Iterator[str]

MOMENT = 0.005
"""Seconds that no clock is blamed for."""
ON_TIME = 2.0
"""Lateness that no policy minds."""


class Run:
    """A run that is over, by post."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.user, self.witness = world.user, world.witness
        self.wishes: dict[str, Wish] = {wish.content: wish for wish in self.user.wishes.values()}
        self.requests: dict[Key, list[Entry]] = defaultdict(list)
        for entry in world.internet.ledger:
            self.requests[self.wish_of(entry).key].append(entry)
        self.posts: dict[Key, list[Taken]] = {
            key: [one.taken for one in entries if one.taken] for key, entries in self.requests.items()
        }
        self.keys = sorted({wish.key for wish in self.wishes.values()})
        self.has_console = world.scenario.replicas["console"] > 0

    @property
    def is_smooth(self) -> bool:
        """Whether every process and the broker worked all the time, by right clocks."""
        one = self.world.scenario
        troubles = one.freezes, one.crashes, one.restarts, one.stalls, one.broker_outages, one.clock_steps
        return not any(troubles)

    @property
    def is_undisturbed(self) -> bool:
        """Whether broker and databases did at once what they were asked for as well."""
        one = self.world.scenario
        troubles = one.publish_lost, one.publish_unheard, one.statement_fails, one.commit_refused, one.commit_unheard
        return self.is_smooth and not any(troubles)

    def wish_of(self, entry: Entry) -> Wish:
        """What was asked for that led to the request."""
        return self.wishes[entry.content]

    def revisions(self, key: Key) -> dict[str, int]:
        """The revision that each text of a post was dispatched as."""
        return {one.event.content: one.event.revision for one in self.witness.of(key, PublishRequested)}

    def accepted(self, key: Key) -> list[Told]:
        """The answers that promised a revision."""
        return list(self.witness.of(key, ScheduleAccepted, ScheduleBatchSettled))
