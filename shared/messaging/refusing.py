"""Whether the broker refuses what is meant for its queues, and goes on doing so."""

from dataclasses import dataclass, field

GOES_ON_SECONDS = 3.0
"""A queue that elects a leader, or has no room for a moment, refuses for less long."""
OVER_SECONDS = 90.0
"""After so long without another refusal of the same kind of event: each process tells of itself every minute."""
WAY_OUT = (
    "`rabbitmqctl list_queues name state messages` shows which; if all are down, as after a full disk, make room and "
    "restart RabbitMQ"
)


@dataclass(slots=True)
class _Refused:
    """An event type that was refused, and has not been taken since; instants are those of the loop."""

    since: float
    latest: float
    why: str


@dataclass
class Refusing:
    """Remembers what was refused last. Such a broker is reached, and confirms what goes to no queue."""

    _refused: dict[str, _Refused] = field(default_factory=dict)

    def note(self, event_type: str, refusal: Exception, now: float) -> None:
        """A queue has refused an event."""
        known = self._refused.get(event_type)
        since = known.since if known and now - known.latest <= OVER_SECONDS else now
        self._refused[event_type] = _Refused(since, now, str(refusal))

    def note_taken(self, event_type: str) -> None:
        """All queues that an event goes to have taken it."""
        if self._refused:
            self._refused.pop(event_type, None)

    def problem(self, now: float) -> str | None:
        """What is wrong and what to do, if it is not over."""
        for one in self._refused.values():
            if one.latest - one.since >= GOES_ON_SECONDS and now - one.latest <= OVER_SECONDS:
                return f"{one.why}: {WAY_OUT}"
        return None
