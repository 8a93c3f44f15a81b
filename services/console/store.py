"""Writing the read model: what many events tell goes to the database in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.domain.accounts import Account, folded_accounts, merged_account
from services.console.domain.posts import Post, folded, merged
from services.console.read_model.account_rules import AccountRules
from services.console.read_model.counting import Counts
from services.console.read_model.dead_letters import DeadLetters
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

MOST_ROWS = 2000

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

    def __init__(self, database: Database, clock: Clock, told: Callable[[], None] = lambda: None) -> None:
        """`told` is called when the journal has got entries."""
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
        self.job_history = JobHistory(database)
        self.tellings = Tellings(database)
        dialect = database.dialect
        self._posts = MergedTable(posts, dialect, merge=merged, read=post_in, write=row_of_post)
        self._accounts = MergedTable(accounts, dialect, merge=merged_account, read=account_in, write=row_of_account)
        self._insert_drafts = bulk.insert_missing(drafts, dialect)
        self._insert_words = bulk.insert_unknown(post_words, ("post_id", "request_id"), dialect)
        self._insert_rejections = bulk.insert_missing(rejections, dialect)
        self._insert_connections = bulk.insert_missing(connections, dialect)
        self._insert_mentions = bulk.insert_missing(mentions, dialect)
        self._insert_happenings = bulk.insert_missing(happenings, dialect)
        self._commits: GroupCommit[Changes, None] = GroupCommit(
            self._commit, most=MOST_ROWS, weigh=lambda changes: changes.weight
        )

    async def apply(self, changes: Changes) -> None:
        """Return once this is in the database; to apply it again changes nothing."""
        await self._commits.submit(changes)

    async def _commit(self, group: Sequence[Changes]) -> Sequence[None]:
        now = self._clock.now()
        told_posts = folded(chain.from_iterable(one.posts for one in group))
        told_accounts = folded_accounts(chain.from_iterable(one.accounts for one in group))
        async with self._database.transaction() as connection:
            await _insert(connection, self._insert_drafts, chain.from_iterable(one.drafts for one in group))
            await _insert(connection, self._insert_words, chain.from_iterable(one.words for one in group))
            await _insert(connection, self._insert_rejections, chain.from_iterable(one.rejections for one in group))
            await _insert(connection, self._insert_connections, chain.from_iterable(one.connections for one in group))
            await _insert(connection, self._insert_mentions, chain.from_iterable(one.mentions for one in group))
            await _insert(connection, self._insert_happenings, chain.from_iterable(one.happenings for one in group))
            changes = await self._posts.learn(connection, told_posts, now)
            await self._accounts.learn(connection, told_accounts, now)
            await self._counts.keep_up(connection, changes)
            await self.journal.write(connection, list(chain.from_iterable(one.journal for one in group)))
        self._told()
        return [None] * len(group)


async def _insert(connection: AsyncConnection, statement: Executable, rows: chain[Row]) -> None:
    listed = list(rows)
    if listed:
        await connection.execute(statement, bulk.encode(listed))
