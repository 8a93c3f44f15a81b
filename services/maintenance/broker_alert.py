"""Tells people that the broker is away: directly, since alerts travel through it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from services.maintenance.domain import sentence
from services.maintenance.notifying import Notifying
from shared.clocks.clock import Clock
from shared.events.maintenance import AlertRaised

PATIENCE = timedelta(minutes=2)
"""What a restart of the broker may take before it is anything to tell."""
CODE, SUBJECT = "broker_unreachable", "broker"


@dataclass
class BrokerAlert:
    """Knows whether the broker can be reached, and who has been told. Each replica tells for itself."""

    notifying: Notifying
    clock: Clock
    _away_since: datetime | None = field(default=None, init=False)
    _is_told: bool = field(default=False, init=False)

    async def is_away(self, reason: str) -> None:
        """The broker could not be reached: told once it has lasted, and until a target has it."""
        now = self.clock.now()
        self._away_since = min(self._away_since or now, now)  # a clock that is set back shortens nothing
        if self._is_told or now - self._away_since < PATIENCE:
            return
        message = (
            f"the broker cannot be used since {self._away_since:%Y-%m-%d %H:%M} UTC ({reason}): nothing is "
            "published, and nothing is lost. No other alert is told until it is back. Start RabbitMQ, and see its log: "
            "`docker compose logs --tail 100 rabbitmq`"
        )
        self._is_told = await self.notifying.tell_directly(_alert("critical", message, "raised"))

    async def is_back(self) -> None:
        """The broker answers; who was told that it is away is told that this is over, until a target has it."""
        self._away_since = None
        if self._is_told:
            over = _alert("info", "Over: the broker can be used again", "resolved")
            self._is_told = not await self.notifying.tell_directly(over)


def _alert(severity: Literal["info", "critical"], message: str, state: Literal["raised", "resolved"]) -> AlertRaised:
    return AlertRaised(severity=severity, code=CODE, subject=SUBJECT, message=sentence(message), state=state)
