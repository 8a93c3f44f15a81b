"""Lines: posts wait, account by account in due order, for a turn at their destination and a start under the limits.

One loop serves all lines. It takes those that may go now, commits an attempt for each, and hands it to who waits.
"""

import asyncio
from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from services.publisher.accounts.credentials import destination_of
from services.publisher.domain import Key
from services.publisher.limits.account_circuits import AccountCircuits
from services.publisher.limits.alarm import Alarm
from services.publisher.limits.circuit_breaker import REJECTED_AT_ONCE, CircuitOpen
from services.publisher.limits.circuit_breakers import CircuitBreakers
from services.publisher.limits.gates import Gates, gates_of
from services.publisher.limits.grants import estimated
from services.publisher.limits.line import TOGETHER, Answer, Entry, Line
from services.publisher.limits.opening import Candidate, Opening, Result
from services.publisher.limits.starts import Starts
from services.publisher.platforms.base import Limits
from services.publisher.sending.case import Blocked, Case
from shared.clocks.clock import Clock, loop_time
from shared.database.errors import is_passing
from shared.messaging.verdict import HandBack

LONGEST_IN_LINE = timedelta(seconds=60)
"""A post that would be in line for longer rests in a retry queue."""
ESTIMATE_EVERY = timedelta(seconds=1)
LOOK_EVERY = timedelta(seconds=0.5)
OPEN_AGAIN_IN = timedelta(seconds=0.5)

log = structlog.get_logger()


class Lines:
    """The lines of this process."""

    def __init__(self, opening: Opening, clock: Clock, breakers: CircuitBreakers, limits: Mapping[str, Limits]) -> None:
        self.breakers = breakers
        self._opening = opening
        self._clock = clock
        self._limits = limits
        self._lines: dict[str, Line] = {}
        self._by_key: dict[Key, Entry] = {}
        self._circuits = AccountCircuits()
        self._numbers = 0
        self._alarm = Alarm(clock)
        self._is_stopping = False
        breakers.on_free = self._alarm.wake

    async def join(self, case: Case) -> Answer:
        """Wait in line for an open attempt. Raises HandBack where the service stops before."""
        if self._is_stopping:
            raise HandBack
        entry = self._entered(case)
        try:
            return await entry.answer
        except asyncio.CancelledError:
            self._take_out(entry)
            raise
        finally:
            if self._by_key.get(case.publication.key) is entry:
                del self._by_key[case.publication.key]

    def waiting_since(self, instant: datetime) -> Iterator[Case]:
        """The posts that were due, and in line, before and are still there."""
        for line in self._lines.values():
            yield from line.waiting_since(instant)

    def waiting(self) -> int:
        """How many posts are in line."""
        return sum(len(line.entries) for line in self._lines.values())

    def call(self, key: Key) -> None:
        """Have a post that waits claimed again: something has changed about it."""
        entry = self._by_key.get(key)
        if entry and entry.is_waiting:
            self._answer(self._lines[key[1]], entry, None)

    def is_crowded(self) -> bool:
        """Whether a post that is due waits only for a turn, at a destination that answers."""
        now = self._clock.now()
        due = (line for line in self._lines.values() if max(line.first_due(), line.next_at) <= now)
        return any(not self.breakers.is_open(line.destination) for line in due)

    def leave(self, case: Case) -> None:
        """Note that an opened post waits for no start any more."""
        line = self._lines.get(case.publication.account_id)
        if line and case.runner:
            line.starts.leave(case.runner)
            self._tidy(line)

    def stop(self) -> None:
        """Hand back what waits; what is being opened is sent."""
        self._is_stopping = True
        for line in list(self._lines.values()):
            for entry in [entry for entry in line.entries if entry.is_waiting]:
                self._answer(line, entry, HandBack())

    async def run(self) -> None:
        """Serve the lines for ever."""
        while True:
            await self._until_somebody_may_go()
            candidates = self._candidates(self._clock.now())
            if candidates:
                await self._open(candidates)

    def _entered(self, case: Case) -> Entry:
        assert case.account is not None, "a post without an account is held"
        account = case.account
        self._numbers += 1
        entry = Entry(case, self._numbers, asyncio.get_running_loop().create_future())
        gates, destination = gates_of(account, self._limits.get(account.platform)), destination_of(account)
        line = self._line(account.account_id, gates, destination)
        insort(line.entries, entry)
        self._by_key[case.publication.key] = entry
        if line.look_at(self._opening.pace) < self._alarm.rings_at:
            self._alarm.wake()
        return entry

    def _line(self, account_id: str, gates: Gates, destination: str) -> Line:
        if account_id not in self._lines:
            starts = Starts(self._clock, self._opening.pace)
            self._lines[account_id] = Line(account_id, gates, destination, starts)
        line = self._lines[account_id]
        line.gates, line.destination = gates, destination
        return line

    def _take_out(self, entry: Entry) -> None:
        """Take a post whose delivery is cancelled out of its line, unless it is being opened."""
        line = self._lines.get(entry.case.publication.account_id)
        if line and entry in line.entries and entry.turn is None:
            line.entries.remove(entry)
            self._tidy(line)

    async def _until_somebody_may_go(self) -> None:
        pace, lines = self._opening.pace, self._lines.values()
        free = (line for line in lines if not self.breakers.is_full(line.destination))
        first = min((line.look_at(pace) for line in free), default=self._clock.now() + LOOK_EVERY)
        await self._alarm.sleep_until(first, at_most=LOOK_EVERY)

    def _candidates(self, now: datetime) -> list[tuple[Line, list[Entry]]]:
        """Of each line that may be looked at, the first posts, as far as there are turns at their destinations."""
        ready = [line for line in self._lines.values() if line.look_at(self._opening.pace) <= now]
        found = [(line, self._with_turns(line, now)) for line in sorted(ready, key=Line.first_due)]
        return [(line, entries) for line, entries in found if entries]

    def _with_turns(self, line: Line, now: datetime) -> list[Entry]:
        breaker = self.breakers.at(line.destination)
        try:
            breaker.reject_if_open()
            most = self._circuits.most(line.account_id)
        except CircuitOpen as error:
            self._reject(line, error, now)
            return []
        entries = line.ready(now, self._opening.pace, breaker.free if most is None else min(most, breaker.free))
        for entry in entries:
            entry.turn = breaker.take(self._circuits.begin(line.account_id))
        return entries

    def _reject(self, line: Line, error: CircuitOpen, now: datetime) -> None:
        """Let some of those who wait go elsewhere, and the others a moment later."""
        for entry in line.entries[:REJECTED_AT_ONCE]:
            self._let_go(line, entry, Blocked.by(error, now))
        line.next_at = now + TOGETHER / 10

    async def _open(self, candidates: Sequence[tuple[Line, list[Entry]]]) -> None:
        now, asked_at = self._clock.now(), loop_time()
        asked = [_asked(line, entries) for line, entries in candidates]
        try:
            results = await self._opening.open(asked, now)
        except Exception as error:
            await self._after_failure(candidates, error)
            return
        self._opening.pace.committed_in(timedelta(seconds=loop_time() - asked_at))
        for (line, entries), result in zip(candidates, results, strict=True):
            self._hand_out(line, entries, result)

    def _hand_out(self, line: Line, entries: Sequence[Entry], result: Result) -> None:
        """Tell those that have come to their turn; the others stay in line."""
        for entry, attempt in zip(entries, result.attempts, strict=False):
            if attempt is None:
                entry.give_turn_back()
                self._answer(line, entry, None)
                continue
            runner = line.starts.enter(entry.rank) if line.gates else None
            self._answer(line, entry, entry.opened(attempt, runner))
        left_over = entries[len(result.attempts) :]
        line.keep(left_over)
        line.starts.add(result.starts)
        line.next_at = result.next_at
        for entry in [entry for entry in left_over if entry.may_be_open and not entry.answer.done()]:
            self._answer(line, entry, None)
        self._send_away(line, result)
        self._tidy(line)

    def _send_away(self, line: Line, result: Result) -> None:
        """Let those who would wait for too long rest."""
        now = self._clock.now()
        if not line.entries or not result.buckets or now - line.estimated_at < ESTIMATE_EVERY:
            return
        line.estimated_at = now
        starts = estimated(len(line.entries), result.buckets, self._opening.pace, now)
        for entry, start_at in list(zip(line.entries, starts, strict=True)):
            if start_at - now > LONGEST_IN_LINE:
                self._let_go(line, entry, Blocked(start_at))

    async def _after_failure(self, candidates: Sequence[tuple[Line, list[Entry]]], error: Exception) -> None:
        """While the database is away everybody stays in line; what else fails is told to those whom it concerns."""
        passing = is_passing(error)
        log.warning("attempts_not_opened", posts=sum(len(entries) for _, entries in candidates), error=repr(error))
        for line, entries in candidates:
            if passing:
                for entry in entries:
                    entry.may_be_open = True
                line.keep(entries)
                self._tidy(line)
                continue
            for entry in entries:
                entry.give_turn_back()
                self._answer(line, entry, error)
        if passing:
            await self._clock.sleep(OPEN_AGAIN_IN)

    def _let_go(self, line: Line, entry: Entry, blocked: Blocked) -> None:
        """Send it elsewhere; one whose attempt may be open claims its post again, and knows then that it never left."""
        self._answer(line, entry, None if entry.may_be_open else replace(entry.case, blocked=blocked))

    def _answer(self, line: Line, entry: Entry, answer: Answer | Exception) -> None:
        line.answer(entry, answer)
        self._tidy(line)

    def _tidy(self, line: Line) -> None:
        """Forget a line that is over."""
        if line.is_over:
            self._lines.pop(line.account_id, None)


def _asked(line: Line, entries: Sequence[Entry]) -> Candidate:
    return Candidate(line.account_id, line.gates, [one.case for one in entries], len(line.entries))
