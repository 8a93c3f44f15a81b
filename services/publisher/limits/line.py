"""A line: the posts of one account that wait for their starts. No I/O."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from services.publisher.limits.bucket import EPOCH
from services.publisher.limits.circuit_breaker import Turn
from services.publisher.limits.gates import Gates
from services.publisher.limits.pace import Pace
from services.publisher.limits.starts import Runner, Starts
from services.publisher.sending.case import Case
from services.publisher.sending.evidence import Attempt

AHEAD = timedelta(milliseconds=100)
"""How long before its start a post is committed as about to be sent, so that no commit delays the send.

Longer where commits take longer; no more than that, for it holds its turn at the destination from then on.
"""
AHEAD_OF_LIMITS = timedelta(milliseconds=400)
"""The same under limits, for every replica, however fast it is: by then they have told one another of their posts, and
no replica gives starts to what others have no chance to know of yet."""
TOGETHER = timedelta(milliseconds=200)
"""Posts that are due within such a stretch are opened together: a commit costs as much for many as for one."""
MOST_AT_ONCE = 500
NEVER = datetime.max.replace(tzinfo=UTC)


Answer = Case | None
"""What comes of waiting: the case with its attempt open, or blocked; None where the post is to be claimed again."""


@dataclass(eq=False, slots=True)
class Entry:
    """A post in the line of its account, and the stretch in which it is due: the same for all lines."""

    case: Case
    number: int
    answer: "asyncio.Future[Answer]"
    turn: Turn | None = None
    may_be_open: bool = False
    """Whether the last commit of its attempt failed in a way that may have been a success. Who then let it go would
    leave an attempt behind that nobody can tell from one that was sent; opened once more, it is the same attempt."""
    due_from: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.due_from = self.not_before - (self.not_before - EPOCH) % TOGETHER

    @property
    def is_waiting(self) -> bool:
        """Whether it is still in line, and not among those that are being opened, or have been unheard."""
        return self.turn is None and not self.may_be_open and not self.answer.done()

    def opened(self, attempt: Attempt, runner: Runner | None) -> Case:
        """The case with its attempt open, and with the turn that it had."""
        turn, self.turn = self.turn, None
        assert turn is not None, "what is opened has a turn"
        return self.case.with_opened(attempt, turn, runner)

    def give_turn_back(self) -> None:
        """Leave its turn to others, where it has one."""
        if self.turn is not None:
            turn, self.turn = self.turn, None
            turn.end()

    def __lt__(self, other: "Entry") -> bool:
        return self.rank < other.rank

    @property
    def not_before(self) -> datetime:
        return self.case.publication.not_before

    @property
    def rank(self) -> tuple[datetime, datetime, int]:
        """Where it stands in its line: due first."""
        return self.not_before, self.case.publication.publish_at, self.number


@dataclass(slots=True)
class Line:
    """The posts of one account that wait to be opened, earliest due first, and the starts of those that are.

    Its limits have nothing to give before `next_at`.
    """

    account_id: str
    gates: Gates
    destination: str
    starts: Starts
    next_at: datetime = EPOCH
    estimated_at: datetime = EPOCH
    entries: list[Entry] = field(default_factory=list)

    def ahead(self, pace: Pace) -> timedelta:
        """How long before its start a post may be opened."""
        return AHEAD_OF_LIMITS if self.gates else max(AHEAD, pace.lead)

    def look_at(self, pace: Pace) -> datetime:
        """When its first post may be opened."""
        return max(self.next_at, self.entries[0].due_from - self.ahead(pace)) if self.entries else NEVER

    @property
    def is_over(self) -> bool:
        """Whether nobody waits."""
        return not self.entries and self.starts.is_over

    def first_due(self) -> datetime:
        """When the first that waits is due."""
        return self.entries[0].not_before if self.entries else NEVER

    def waiting_since(self, instant: datetime) -> Iterator[Case]:
        """The posts that were due, and in line, before and are still there."""
        due = takewhile(lambda entry: entry.not_before < instant, self.entries)
        cases = (entry.case for entry in due if not entry.answer.done())
        return (case for case in cases if case.publication.updated_at < instant)

    def ready(self, now: datetime, pace: Pace, most: int) -> list[Entry]:
        """The posts that may be opened now, so many at most."""
        until = now + self.ahead(pace)
        return [entry for entry in self.entries[: min(most, MOST_AT_ONCE)] if entry.due_from <= until]

    def keep(self, entries: Sequence[Entry]) -> None:
        """Keep in line those whose turn has not come, but for those whose deliveries were cancelled meanwhile."""
        for entry in entries:
            entry.give_turn_back()
            if entry.answer.done():
                self.entries.remove(entry)

    def answer(self, entry: Entry, answer: Answer | Exception) -> None:
        """Tell a post what comes of its waiting."""
        self.entries.remove(entry)
        if entry.answer.done():
            self._nobody_is_there(answer)
        elif isinstance(answer, Exception):
            entry.answer.set_exception(answer)
        else:
            entry.answer.set_result(answer)

    def _nobody_is_there(self, answer: Answer | Exception) -> None:
        """The delivery was cancelled while its attempt was opened: nothing is sent, and its turn is given back."""
        if isinstance(answer, Case) and answer.turn:
            if answer.runner:
                self.starts.leave(answer.runner)
            answer.turn.end()
