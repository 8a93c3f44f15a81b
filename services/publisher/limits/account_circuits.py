"""Account circuits: an account whose last requests all failed sends one post at a time; the others wait without a try.

The circuit of a destination opens only when all its turns are taken. With a few posts a minute that never happens, and
each of them would use up its tries in vain for as long as the network fails. What is counted here is the account's
alone: one host may serve many accounts, of which only one is ill.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from services.publisher.limits.circuit_breaker import FORGET_AFTER, CircuitOpen, Turn, rest_after
from shared.clocks.clock import loop_time

OPENS_AFTER = 5
"""Requests in a row at which the network failed."""


@dataclass(slots=True)
class _Circuit:
    """How an account's network has failed since it last answered for a post; times are the loop's."""

    since: float
    last_at: float
    failures: int = 0
    latest: str = ""
    """What came of the last request."""
    is_tried: bool = False
    """Whether a trial request is on its way."""

    @property
    def is_open(self) -> bool:
        return self.failures >= OPENS_AFTER

    @property
    def rest_seconds(self) -> float:
        """How long to stay away after the last one: longer the longer it lasts."""
        return rest_after(self.last_at - self.since)


class AccountCircuits:
    """The circuits of the accounts whose last request failed; all others are closed."""

    def __init__(self) -> None:
        self._of: dict[str, _Circuit] = {}
        self._answered_at: dict[str, float] = {}

    def most(self, account_id: str) -> int | None:
        """How many posts of the account may be sent now, None for any number; raises CircuitOpen for none."""
        circuit = self._of.get(account_id)
        if circuit is None or not circuit.is_open:
            return None
        left = circuit.last_at + circuit.rest_seconds - loop_time()
        if circuit.is_tried or left > 0:
            why = f"the last {circuit.failures} requests of {account_id!r} failed, the latest with: {circuit.latest}"
            raise CircuitOpen(why, circuit.rest_seconds if circuit.is_tried else rest_after(left))
        return 1

    def begin(self, account_id: str) -> Callable[[Turn], None]:
        """A post of the account gets a turn; what is to be called at the turn's end."""
        circuit = self._of.get(account_id)
        if circuit is None or not circuit.is_open:
            return partial(self._ended, account_id)
        circuit.is_tried = True
        return partial(self._tried, account_id, circuit)

    def _tried(self, account_id: str, circuit: _Circuit, turn: Turn) -> None:
        circuit.is_tried = False
        self._ended(account_id, turn)

    def _ended(self, account_id: str, turn: Turn) -> None:
        """Whatever the network says of a post, however slowly, closes the circuit; where nothing was asked it stays.

        A failure of what left before the last answer is old news: many may come when an outage is over.
        """
        now = loop_time()
        left_at = now if turn.left_at is None else turn.left_at
        if turn.error is not None and turn.error.opens_circuit:
            if left_at >= self._answered_at.get(account_id, left_at):
                self._note(account_id, turn.error.detail.message, left_at, now)
        elif turn.was_answered:
            self._of.pop(account_id, None)
            self._note_answer(account_id, now)

    def _note_answer(self, account_id: str, now: float) -> None:
        """In the order of the answers, so that the oldest are forgotten: no request takes so long."""
        self._answered_at.pop(account_id, None)
        self._answered_at[account_id] = now
        while now - self._answered_at[oldest := next(iter(self._answered_at))] > FORGET_AFTER:
            del self._answered_at[oldest]

    def _note(self, account_id: str, message: str, left_at: float, now: float) -> None:
        if account_id not in self._of:
            self._of = {name: one for name, one in self._of.items() if now - one.last_at < FORGET_AFTER}
            self._of[account_id] = _Circuit(left_at, now)
        circuit = self._of[account_id]
        circuit.failures, circuit.last_at, circuit.latest = circuit.failures + 1, now, message
