"""Whether the broker refuses what is meant for its queues, and goes on doing so."""

import math
from dataclasses import dataclass

GOES_ON_SECONDS = 3.0
"""A queue that elects a leader, or has no room for a moment, refuses for less long."""
OVER_SECONDS = 15.0
"""After so long without another refusal: what was refused is asked again every second, at most every ten."""
WAY_OUT = (
    "`rabbitmqctl list_queues name state messages` shows which; if all are down, as after a full disk, make room and "
    "restart RabbitMQ"
)


@dataclass
class Refusing:
    """Remembers the latest refusals. Such a broker is reached, and confirms what goes to no queue."""

    _since: float = math.inf
    _latest: float = -math.inf
    _why: str = ""

    def note(self, refusal: Exception, now: float) -> None:
        """A queue has refused a message."""
        if now - self._latest > OVER_SECONDS:
            self._since = now
        self._latest, self._why = now, str(refusal)

    def problem(self, now: float) -> str | None:
        """What is wrong and what to do, if it is not over."""
        goes_on = self._latest - self._since >= GOES_ON_SECONDS and now - self._latest <= OVER_SECONDS
        return f"{self._why}: {WAY_OUT}" if goes_on else None
