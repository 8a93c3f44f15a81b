"""Writing the read model: what many events tell goes to the database in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from services.console.domain.accounts import Account, merged_account
from services.console.domain.posts import Post, merged
from services.console.read_model.account_rules import AccountRules
from services.console.read_model.alerts import Alerts
from services.console.read_model.counting import Counts
from services.console.read_model.dead_letters import DeadLetters
from services.console.read_model.deleted_posts import DeletedPosts
from services.console.read_model.job_history import JobHistory
from services.console.read_model.merging import MergedTable
from services.console.read_model.rows import account_in, post_in, row_of_account, row_of_post
from services.console.read_model.service_reports import ServiceReports
from services.console.read_model.tellings import Tellings
from services.console.read_model.timers import Timers
from services.console.read_model.workspaces import Workspaces
from services.console.streaming.journal import Journal
from services.console.tables.core import accounts, connections, drafts, happenings, post_words, posts, rejections
from services.console.tables.workspaces import mentions
from shared.clocks.clock import Clock
from shared.database import bulk
from shared.database.engine import Database
from shared.database.group_commit import GroupCommit

MOST_ROWS = 400
"""Fewer than the messages bring that the projector may have at a time: what waits in its queue never lingers."""
SOON, LEISURELY = 0.002, 0.1
"""Seconds for which changes gather: while somebody waits for them, and while nobody does. A transaction of many costs
little more than one of a few."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Changes:
    """What one event tells: of posts and accounts, to be merged; the others are rows that are kept once."""

    posts: Sequence[Post] = ()
    accounts: Sequence[Account] = ()
    drafts: Sequence[Row] = ()
    words: Sequence[dict[str, Any]] = ()
    rejections: Sequence[Row] = ()
    connections: Sequence[Row] = ()
    mentions: Sequence[Row] = ()
    happenings: Sequence[Row] = ()
    journal: Sequence[dict[str, Any]] = ()

    @property
    def weight(self) -> int:
        """How many rows it may change."""
        return len(self.posts) + len(self.drafts) + len(self.rejections) + len(self.happenings) + 1


class Store:
    """The console's database, as the projector writes it."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        told: Callable[[], None] = lambda: None,
        is_awaited: Callable[[], bool] = lambda: True,
    ) -> None:
        """`told` is called when the journal has got entries; `is_awaited` says whether anybody waits for them."""
        self._database = database
        self._told = told
        self.journal = Journal(database)
        self._counts = Counts(database)
        self._clock = clock
        self.account_rules = AccountRules(database)
        self.timers = Timers(database)
        self.workspaces = Workspaces(database)
        self.dead_letters = DeadLetters(database)
        self.service_reports = ServiceReports(database)
        self.alerts = Alerts(database)
        self.job_history = JobHistory(database)
        self.tellings = Tellings(database)
        self.deleted_posts = DeletedPosts(database)
        dialect = database.dialect
        self._posts = MergedTable(posts, dialect, merge=merged, read=post_in, write=row_of_post)
        self._accounts = MergedTable(accounts, dialect, merge=merged_account, read=account_in, write=row_of_account)
        kept_once = (drafts, rejections, connections, mentions, happenings)
        self._insert = {table.name: bulk.insert_missing(table, dialect) for table in kept_once}
        self._insert["words"] = bulk.insert_unknown(post_words, ("post_id", "request_id"), dialect)
        self._commits: GroupCommit[Changes, None] = GroupCommit(
            self._commit,
            most=MOST_ROWS,
            weigh=lambda changes: changes.weight,
            linger_seconds=lambda: SOON if is_awaited() else LEISURELY,
        )

    async def apply(self, changes: Changes) -> None:
        """Return once this is in the database; to apply it again changes nothing."""
        await self._commits.submit(changes)

    async def _commit(self, group: Sequence[Changes]) -> Sequence[None]:
        now = self._clock.now()
        posts = chain.from_iterable(one.posts for one in group)
        accounts = chain.from_iterable(one.accounts for one in group)
        async with self._database.transaction() as connection:
            for name, insert in self._insert.items():  # by the names of the changes
                if rows := [row for one in group for row in getattr(one, name)]:
                    await connection.execute(insert, bulk.encode(rows))
            changes = await self._posts.learn(connection, posts, now)
            await self._accounts.learn(connection, accounts, now)
            await self._counts.keep_up(connection, changes)
            await self.journal.write(connection, list(chain.from_iterable(one.journal for one in group)))
        self._told()
        return [None] * len(group)
