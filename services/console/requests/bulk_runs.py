"""Runs: an act on all posts that matched at one instant, and what became of each of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import RowMapping, insert, select, update

from services.console.domain.posts import CANCELLABLE, CHANGEABLE, RESOLVABLE, RETRIABLE
from services.console.requests.runs import CLAIM, Runs, RunState
from services.console.tables.bulk import bulk_items, bulk_runs
from shared.database import bulk
from shared.database.engine import Database
from shared.events.progress import State

MOST_POSTS = 10_000
AT_ONCE = 50
"""Posts that are worked on between two looks at whether the run was stopped."""


class Act(StrEnum):
    """What is done to each post; the last three resolve a doubt: as a person found it, or by the network."""

    CANCEL = "cancel"
    RETRY = "retry"
    MOVE = "move"
    PUBLISHED = "published"
    NOT_PUBLISHED = "not_published"
    ASK_NETWORK = "ask_network"


STATES: Mapping[Act, frozenset[State]] = {
    Act.CANCEL: CANCELLABLE,
    Act.RETRY: RETRIABLE,
    Act.MOVE: CHANGEABLE,
    Act.PUBLISHED: RESOLVABLE,
    Act.NOT_PUBLISHED: RESOLVABLE,
    Act.ASK_NETWORK: RESOLVABLE,
}
"""Posts for which an act is meant; others are left out when a run is prepared for all that match."""


@dataclass(frozen=True, slots=True)
class Item:
    """A post of a run that is still to be done; `move_to` is its instant, once that is fixed."""

    position: int
    post_id: str
    account_id: str
    move_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a post: done, pending (asked, and not answered in time), or refused with the reason."""

    position: int
    outcome: str
    reason: str | None = None


class BulkRuns(Runs):
    """The runs in the console's database."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, bulk_runs)
        self._add = bulk.insert(bulk_items, _GIVEN, database.dialect)
        self._record = bulk.update(
            bulk_items,
            [bulk_items.c.outcome, bulk_items.c.reason],
            database.dialect,
            guard="bulk_items.outcome IS NULL",
        )
        self._fix = bulk.update(
            bulk_items, [bulk_items.c.move_to], database.dialect, guard="bulk_items.move_to IS NULL"
        )

    async def prepare(
        self,
        act: Act,
        posts: Sequence[tuple[str, str]],
        *,
        moving: str | None,
        by: str,
        now: datetime,
        in_the_past: int = 0,
    ) -> RowMapping:
        """Keep which posts there are, each with its account; nothing is done to them until the run is started."""
        run_id = str(uuid4())
        run = {"run_id": run_id, "act": act, "moving": moving, "state": RunState.PREPARED, "asked_by": by}
        figures = {"as_of": now, "total": len(posts), "in_the_past": in_the_past, "done": 0, "pending": 0, "refused": 0}
        items = [
            {"run_id": run_id, "position": position, "post_id": post_id, "account_id": account_id, "seen_at": now}
            for position, (post_id, account_id) in enumerate(posts)
        ]
        async with self._database.transaction() as connection:
            await connection.execute(insert(bulk_runs).values(**run, **figures))
            if items:
                await connection.execute(self._add, bulk.encode(items))
        found = await self.run(run_id)
        assert found
        return found

    async def items(self, run_id: str, *, outcome: str | None, after: int, limit: int) -> Sequence[RowMapping]:
        """The posts of a run after a position, those with this outcome if one is named."""
        wanted = select(bulk_items).where(bulk_items.c.run_id == run_id, bulk_items.c.position > after)
        if outcome is not None:
            wanted = wanted.where(bulk_items.c.outcome == outcome)
        return await self._database.rows(wanted.order_by(bulk_items.c.position).limit(limit))

    async def post_ids(self, run_id: str) -> list[str]:
        """The posts of a run, each once."""
        c = bulk_items.c
        wanted = select(c.post_id).where(c.run_id == run_id).order_by(c.position)
        return list(dict.fromkeys(row["post_id"] for row in await self._database.rows(wanted)))

    async def left(self, run_id: str) -> list[Item]:
        """The next posts that are to be done."""
        c = bulk_items.c
        next_ones = select(c.position, c.post_id, c.account_id, c.move_to)
        left = next_ones.where(c.run_id == run_id, c.outcome.is_(None)).order_by(c.position).limit(AT_ONCE)
        return [Item(**row) for row in await self._database.rows(left)]

    async def fix_instants(self, run_id: str, instants: Mapping[int, datetime]) -> None:
        """Keep where posts are moved to, by their positions; what is fixed already stays."""
        rows = [{"run_id": run_id, "position": position, "move_to": at} for position, at in sorted(instants.items())]
        await self._database.write(self._fix, bulk.encode(rows))

    async def record(self, run_id: str, results: Sequence[Result], now: datetime) -> None:
        """Keep what became of posts, each once, and the claim for the next ones."""
        c = bulk_runs.c
        rows = [
            {"run_id": run_id, "position": one.position, "outcome": one.outcome, "reason": one.reason}
            for one in results
        ]
        async with self._database.transaction() as connection:
            news = {row.position for row in await connection.execute(self._record, bulk.encode(rows))}
            counted = Counter(one.outcome for one in results if one.position in news)
            figures = {name: c[name] + counted[name] for name in ("done", "pending", "refused")}
            await connection.execute(
                update(bulk_runs).where(c.run_id == run_id).values(**figures, problem=None, claimed_until=now + CLAIM)
            )


_GIVEN = [bulk_items.c[name] for name in ("run_id", "position", "post_id", "account_id", "seen_at")]
