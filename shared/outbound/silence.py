"""Silence: targets that did not answer lately are asked by one message at a time, and others need not wait. No I/O."""

from dataclasses import dataclass, field

REST_SECONDS = 60.0
"""How long after a silence everybody waits; then one message finds out."""
FORGOTTEN_AFTER = 3600.0


@dataclass
class Silence:
    """Which targets were silent, and until when they are left alone; times are those of a clock that nobody sets."""

    rest_seconds: float = REST_SECONDS
    _until: dict[str, float] = field(default_factory=dict)

    def may_be_asked(self, target: str, now: float) -> bool:
        """Whether a message may go to the target; the first after its rest may, and those after that wait for it."""
        if now < self._until.get(target, now):
            return False
        if target in self._until:
            self._until[target] = now + self.rest_seconds
        return True

    def begin(self, target: str, now: float) -> None:
        """The target did not answer."""
        self._until = {one: until for one, until in self._until.items() if now - until < FORGOTTEN_AFTER}
        self._until[target] = now + self.rest_seconds

    def end(self, target: str) -> None:
        """The target answered, whatever it said."""
        self._until.pop(target, None)
