"""Group commit: what concurrent handlers want written goes to the database together, in one transaction."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from prometheus_client import Histogram

from shared.connections.cancellations import StrayCancellations
from shared.database.errors import is_overtaken, is_passing

COMMIT_LIMIT = timedelta(seconds=30)
"""Beyond the time limit of a transaction: what keeps a group from its answers for so long never answers."""
ANSWERED_AT_ONCE = 10
"""All who wait go on at once when they are answered, and timers have to wait until each has done its next work."""
COMMITS = Histogram(
    "timeball_commit_seconds",
    "How long transactions took in which many messages are written together",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class _Submission(Generic[ItemT, AnswerT]):
    item: ItemT
    answer: "asyncio.Future[AnswerT]"


class GroupCommit(Generic[ItemT, AnswerT]):
    """Gathers items and commits them together; while one group commits, the next one gathers.

    `commit` gets the items in the order they were submitted and answers each. A group lingers for a moment, so that it
    does not start with a single item, unless one of them is urgent. `most` bounds a group's weight, which is its
    length unless `weigh` says else. With several `lanes`, full groups commit side by side as long as they have no key
    in common, so that items with the same key keep their order. `linger_seconds` may be asked for each group anew.

    When a group fails because of what is in it, its halves are tried, so that only those items fail that are at fault.
    When the database is away or busy, or the commit hangs, all of it fails at once: to try its items in turn would keep
    everything behind it waiting. After a group that was too slow the next ones are lighter, until some succeed: what
    comes again would be too slow again, for ever. When the next one is too slow as well, all that waits fails with it:
    another replica may reach the database. What nobody waits for any more is not begun.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[ItemT]], Awaitable[Sequence[AnswerT]]],
        *,
        most: int = 500,
        weigh: Callable[[ItemT], int] = lambda _: 1,
        linger_seconds: float | Callable[[], float] = 0.002,
        lanes: int = 1,
        keys: Callable[[ItemT], Iterable[Hashable]] = lambda _: (),
        within: timedelta = COMMIT_LIMIT,
    ) -> None:
        self._commit = commit
        self._most = self._allowed = most
        self._weigh = weigh
        self._linger_seconds = linger_seconds if callable(linger_seconds) else lambda: linger_seconds
        self._lanes = lanes
        self._keys = keys
        self._within_seconds = within.total_seconds()
        self._waiting: deque[_Submission[ItemT, AnswerT]] = deque()
        self._in_flight: dict[asyncio.Task[None], set[Hashable]] = {}
        self._weight = 0
        self._slow_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_urgent = False
        self._starts_at = 0.0  # what uvloop gives for a timer that is due at once does not know when

    async def submit(self, item: ItemT, *, urgent: bool = False) -> AnswerT:
        """Return the answer once the group that holds the item is committed; `urgent` does not linger."""
        submission: _Submission[ItemT, AnswerT] = _Submission(item, asyncio.get_running_loop().create_future())
        self._waiting.append(submission)
        self._weight += self._weigh(item)
        self._is_urgent = self._is_urgent or urgent
        self._start_soon()
        return await submission.answer

    def _start_soon(self) -> None:
        """Start a group: at once where it is urgent or full, else after the linger, unless one is in flight already."""
        is_full = self._weight >= self._allowed
        if self._in_flight and not is_full:
            return
        loop = asyncio.get_running_loop()
        if self._is_urgent or is_full:
            self._start_at(loop.time())
        elif self._timer is None:
            self._start_at(loop.time() + self._linger_seconds())

    def _start_at(self, when: float) -> None:
        if self._timer is not None:
            if self._starts_at <= when:
                return
            self._timer.cancel()
        self._starts_at = when
        self._timer = asyncio.get_running_loop().call_at(when, self._start)

    def _start(self) -> None:
        """Start a group, and more of them while full ones wait and lanes are free."""
        self._timer = None
        while len(self._in_flight) < self._lanes and (group := self._next_group()):
            task = asyncio.create_task(self._commit_group(group))
            self._in_flight[task] = {key for one in group for key in self._keys(one.item)}
            task.add_done_callback(self._finished)
            if self._weight < self._allowed:
                return

    def _finished(self, task: asyncio.Task[None]) -> None:
        del self._in_flight[task]
        if self._waiting and self._in_flight:
            self._start()
        elif self._waiting:
            self._start_soon()

    def _next_group(self) -> list[_Submission[ItemT, AnswerT]]:
        busy = set[Hashable]().union(*self._in_flight.values())
        group: list[_Submission[ItemT, AnswerT]] = []
        weight = 0
        while self._waiting and weight < self._allowed:
            if busy and not busy.isdisjoint(self._keys(self._waiting[0].item)):
                break
            group.append(self._waiting.popleft())
            weight += self._weigh(group[-1].item)
        self._weight -= weight
        self._is_urgent = self._is_urgent and bool(self._waiting)
        return group

    async def _commit_group(self, group: Sequence[_Submission[ItemT, AnswerT]]) -> None:
        awaited = [one for one in group if not one.answer.done()]
        if not awaited:
            return
        began_at = asyncio.get_running_loop().time()
        try:
            with StrayCancellations():
                async with asyncio.timeout(self._within_seconds):
                    answers = await self._commit([one.item for one in awaited])
        except Exception as error:
            if isinstance(error, TimeoutError):
                self._allow_less_than(awaited)
                awaited += self._given_up(began_at)
            await self._fail(awaited, error)
        else:
            COMMITS.observe(asyncio.get_running_loop().time() - began_at)
            self._allowed, self._slow_since = min(self._allowed * 2, self._most), None
            await _answer(awaited, answers)

    def _allow_less_than(self, group: Sequence[_Submission[ItemT, AnswerT]]) -> None:
        weight = sum(self._weigh(one.item) for one in group)
        self._allowed = max(min(self._allowed, weight) // 2, 1)

    def _given_up(self, began_at: float) -> list[_Submission[ItemT, AnswerT]]:
        """All that waits, if the group that was too slow began after another one had been."""
        if self._slow_since is None:
            self._slow_since = asyncio.get_running_loop().time()
        if began_at < self._slow_since:
            return []
        given_up = list(self._waiting)
        self._waiting.clear()
        self._weight, self._is_urgent = 0, False
        return given_up

    async def _fail(self, group: Sequence[_Submission[ItemT, AnswerT]], error: Exception) -> None:
        if len(group) > 1 and (is_overtaken(error) or not is_passing(error)):
            middle = len(group) // 2
            await self._commit_group(group[:middle])
            await self._commit_group(group[middle:])
            return
        for one in group:
            if not one.answer.done():
                one.answer.set_exception(error)


async def _answer(group: Sequence[_Submission[ItemT, AnswerT]], answers: Sequence[AnswerT]) -> None:
    for number, (one, answer) in enumerate(zip(group, answers, strict=True), 1):
        if not one.answer.done():
            one.answer.set_result(answer)
        if number % ANSWERED_AT_ONCE == 0:
            await asyncio.sleep(0)
