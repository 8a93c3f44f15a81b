"""Silences: an account whose last requests got no answer sends one post at a time, and the others wait without a try.

The circuit of a destination opens only when all its turns are taken. With a few posts a minute that never happens, and
each of them would use up its tries in vain for as long as the network hangs. What is counted here is the account's
alone: one host may serve many accounts, of which only one is ill.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from services.publisher.limits.circuit_breaker import FORGET_AFTER, CircuitOpen, Turn, rest_after
from shared.clocks.clock import loop_time

OPENS_AFTER = 5
"""Requests in a row without an answer."""


@dataclass(slots=True)
class _Silence:
    """What an account's network has left unanswered since it answered last; times are the loop's."""

    since: float
    last_at: float
    requests: int = 0
    is_tried: bool = False
    """Whether a trial request is on its way."""

    @property
    def is_open(self) -> bool:
        return self.requests >= OPENS_AFTER

    @property
    def rest_seconds(self) -> float:
        """How long to stay away after the last one: longer the longer it lasts."""
        return rest_after(self.last_at - self.since)


class Silences:
    """The accounts whose last request got no answer."""

    def __init__(self) -> None:
        self._of: dict[str, _Silence] = {}

    def most(self, account_id: str) -> int | None:
        """How many posts of the account may be sent now, None for any number; raises CircuitOpen for none."""
        silence = self._of.get(account_id)
        if silence is None or not silence.is_open:
            return None
        left = silence.last_at + silence.rest_seconds - loop_time()
        if silence.is_tried or left > 0:
            why = f"the last {silence.requests} requests for {account_id!r} got no answer"
            raise CircuitOpen(why, silence.rest_seconds if silence.is_tried else rest_after(left))
        return 1

    def begin(self, account_id: str) -> Callable[[Turn], None]:
        """A post of the account gets a turn; what is to be called at the turn's end."""
        silence = self._of.get(account_id)
        if silence is None or not silence.is_open:
            return partial(self._ended, account_id)
        silence.is_tried = True
        return partial(self._tried, account_id, silence)

    def _tried(self, account_id: str, silence: _Silence, turn: Turn) -> None:
        silence.is_tried = False
        self._ended(account_id, turn)

    def _ended(self, account_id: str, turn: Turn) -> None:
        """An answer, however slow, ends the silence; a turn in which nothing was asked changes nothing."""
        if turn.was_answered:
            self._of.pop(account_id, None)
        elif turn.was_answered is False:
            self._note(account_id, since=loop_time() if turn.begun_at is None else turn.begun_at)

    def _note(self, account_id: str, *, since: float) -> None:
        now = loop_time()
        if account_id not in self._of:
            self._of = {name: one for name, one in self._of.items() if now - one.last_at < FORGET_AFTER}
            self._of[account_id] = _Silence(since, now)
        silence = self._of[account_id]
        silence.requests, silence.last_at = silence.requests + 1, now
