"""Reading the read model: every query of the HTTP API and of the page."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, bindparam, false, func, select, true

from services.console.cursor import Cursor
from services.console.domain.posts import Post
from services.console.read_model.account_rules import AccountRules
from services.console.read_model.alerts import Alerts
from services.console.read_model.counting import Counts
from services.console.read_model.dead_letters import DeadLetters
from services.console.read_model.drafts import Draft, Drafts
from services.console.read_model.due_spans import DueSpans
from services.console.read_model.first_page import first_posts
from services.console.read_model.job_history import JobHistory
from services.console.read_model.listing import Filter, Listed, count_of, listed_in, page_of
from services.console.read_model.searching import Search
from services.console.read_model.service_reports import ServiceReports
from services.console.read_model.statistics import Statistics
from services.console.read_model.tellings import Tellings
from services.console.read_model.timeline import Timelines
from services.console.read_model.timers import Timers
from services.console.read_model.workspaces import Workspaces
from services.console.tables.core import accounts, connections, drafts, posts, rejections
from shared.database import bulk
from shared.database.engine import Database

MOST_REJECTIONS = 100


def _accounts_by_id() -> Select[Any]:
    same = (connections.c.request_id == accounts.c.request_id) & (connections.c.account_id == accounts.c.account_id)
    known = select(accounts, connections.c.settings, connections.c.limits).outerjoin(connections, same)
    return known.order_by(accounts.c.account_id)


def _account_page(is_meant: ColumnElement[bool]) -> Select[Any]:
    return _ACCOUNTS.where(accounts.c.account_id > bindparam("after"), is_meant).limit(bindparam("limit"))


_NETWORKS = select(accounts.c.account_id, accounts.c.platform).order_by(accounts.c.account_id)
_ONE_CONNECTED = select(accounts.c.account_id).where(accounts.c.is_connected.is_(true())).limit(1)
_ACCOUNTS = _accounts_by_id()
_NEEDS_RECONNECT = func.coalesce(accounts.c.needs_reconnect, false())
_TO_RECONNECT, _ALL_OTHERS = _account_page(_NEEDS_RECONNECT.is_(true())), _account_page(_NEEDS_RECONNECT.is_(false()))


class Queries:
    """The console's database, as the HTTP API and the page read it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.counts = Counts(database)
        self.statistics = Statistics(database)
        self.timers = Timers(database)
        self.workspaces = Workspaces(database)
        self.dead_letters = DeadLetters(database)
        self.service_reports = ServiceReports(database)
        self.alerts = Alerts(database)
        self.job_history = JobHistory(database)
        self.search = Search(database)
        self.due_spans = DueSpans(database)
        self.timelines = Timelines(database)
        self.account_rules = AccountRules(database)
        self.tellings = Tellings(database)
        self._posts = bulk.select_by_key(posts, database.dialect)
        self._drafts = bulk.select_by_key(drafts, database.dialect, key=(drafts.c.request_id, drafts.c.post_id))

    async def list_posts(self, wanted: Filter, after: Cursor | None, limit: int) -> list[Listed]:
        """A page of posts by the time they are due."""
        async with self.database.reading() as connection:
            return await page_of(connection, wanted, after, limit)

    async def count_posts(self, wanted: Filter, most: int) -> int:
        """How many posts there are, counted no further than this."""
        async with self.database.reading() as connection:
            return await count_of(connection, wanted, most)

    async def first_posts(self) -> dict[str, list[Listed]]:
        """What the first page shows of posts, by its lists."""
        return await first_posts(self.database)

    async def post(self, post_id: str) -> list[Listed]:
        """A post on each of its accounts."""
        of_post = select(posts).where(posts.c.post_id == post_id).order_by(posts.c.account_id)
        return list(map(listed_in, await self.database.rows(of_post)))

    async def posts_named(self, keys: Iterable[tuple[str, str]]) -> list[Listed]:
        """Those that are known of the posts with these ids on these accounts, in no order."""
        named = [{"post_id": post_id, "account_id": account_id} for post_id, account_id in keys]
        rows = await self.database.rows(self._posts, bulk.encode(named)) if named else []
        return list(map(listed_in, rows))

    async def drafts(self, listed: Iterable[Post]) -> Drafts:
        """What the requests of these posts' plans asked them to say."""
        wanted = sorted({(post.plan.request_id, post.post_id) for post in listed if post.plan})
        if not wanted:
            return Drafts(())
        keys = [{"request_id": request_id, "post_id": post_id} for request_id, post_id in wanted]
        rows = await self.database.rows(self._drafts, bulk.encode(keys))
        in_order = sorted(rows, key=itemgetter("position"))
        return Drafts(Draft(row["request_id"], row["post_id"], row["body"]) for row in in_order)

    async def rejections(self, post_id: str) -> Sequence[RowMapping]:
        """The latest refusals that named this post, newest first."""
        of_post = select(rejections).where(rejections.c.post_id == post_id)
        return await self.database.rows(of_post.order_by(rejections.c.seen_at.desc()).limit(MOST_REJECTIONS))

    async def accounts(self, account_id: str | None = None) -> Sequence[RowMapping]:
        """Every account with the settings it was last connected with, or the one that is named."""
        named = _ACCOUNTS if account_id is None else _ACCOUNTS.where(accounts.c.account_id == account_id)
        return await self.database.rows(named)

    async def networks(self) -> list[tuple[str, str | None]]:
        """Every account by its id, with its network."""
        return [(row["account_id"], row["platform"]) for row in await self.database.rows(_NETWORKS)]

    async def has_account(self) -> bool:
        """Whether any account is connected."""
        return bool(await self.database.rows(_ONE_CONNECTED))

    async def account_page(self, *, needs_reconnect: bool, after: str, limit: int) -> Sequence[RowMapping]:
        """Accounts by their ids after one of them: those that must be connected again, or all others."""
        named = _TO_RECONNECT if needs_reconnect else _ALL_OTHERS
        return await self.database.rows(named, {"after": after, "limit": limit})
