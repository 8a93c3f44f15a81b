"""Group commit: what concurrent handlers want written goes to the database together, in one transaction."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
AnswerT = TypeVar("AnswerT")


class GroupCommit(Generic[ItemT, AnswerT]):
    """Gathers items and commits them together; while one group commits, the next one gathers.

    `commit` gets the items in the order they were submitted and answers each. When a group fails, its items are tried one
    by one, so that only those fail that are at fault. `most` bounds a group's weight, which is its length unless `weigh` says else.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[ItemT]], Awaitable[Sequence[AnswerT]]],
        *,
        most: int = 500,
        weigh: Callable[[ItemT], int] = lambda _: 1,
        linger_seconds: float = 0.0,
    ) -> None:
        self._commit = commit
        self._most = most
        self._weigh = weigh
        self._linger_seconds = linger_seconds
        self._waiting: deque[tuple[ItemT, asyncio.Future[AnswerT]]] = deque()
        self._committer: asyncio.Task[None] | None = None

    async def submit(self, item: ItemT) -> AnswerT:
        """Return the answer once the group that holds the item is committed."""
        answer: asyncio.Future[AnswerT] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._committer is None:
            self._committer = asyncio.create_task(self._commit_all())
        return await answer

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(self._linger_seconds)
                await self._commit_group(self._next_group())
        finally:
            self._committer = None

    def _next_group(self) -> Sequence[tuple[ItemT, asyncio.Future[AnswerT]]]:
        group, weight = [self._waiting.popleft()], self._most
        weight -= self._weigh(group[0][0])
        while self._waiting and weight > 0:
            group.append(self._waiting.popleft())
            weight -= self._weigh(group[-1][0])
        return group

    async def _commit_group(self, group: Sequence[tuple[ItemT, asyncio.Future[AnswerT]]]) -> None:
        try:
            answers = await self._commit([item for item, _ in group])
        except Exception as error:
            await self._fail(group, error)
        else:
            for (_, future), answer in zip(group, answers, strict=True):
                if not future.done():
                    future.set_result(answer)

    async def _fail(self, group: Sequence[tuple[ItemT, asyncio.Future[AnswerT]]], error: Exception) -> None:
        if len(group) > 1:
            for one in group:
                await self._commit_group([one])
        elif not group[0][1].done():
            group[0][1].set_exception(error)
