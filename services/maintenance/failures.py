"""Every query of posts that failed for good after the last that was published."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, delete, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.maintenance.domain import Failing
from services.maintenance.tables import accounts, failures, networks
from shared.database import bulk
from shared.database.engine import LONG_READ, Database


@dataclass(frozen=True, slots=True)
class Failure:
    """A post that failed for good on an account, and what was said."""

    account_id: str
    post_id: str
    failed_at: datetime
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Publication:
    """That something was published."""

    account_id: str
    platform: str
    published_at: datetime


class Failures:
    """Posts that failed for good, in maintenance's database. What an account publishes ends its failures before it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect = database.dialect
        self._write = bulk.upsert(failures, dialect, guard="failures.failed_at < excluded.failed_at")
        self._of_these = text(
            f"SELECT given.account_id FROM {bulk.rows_of([failures.c.account_id], dialect)} "
            "WHERE EXISTS (SELECT 1 FROM failures WHERE failures.account_id = given.account_id)"
        )
        self._write_network = bulk.upsert(networks, dialect, guard="networks.published_at < excluded.published_at")

    async def learn(
        self, connection: AsyncConnection, failed: Iterable[Failure], published: Iterable[Publication]
    ) -> None:
        """Keep what failed, and forget what an account's publication came after; each post counts once."""
        newest = {(one.account_id, one.post_id): one for one in sorted(failed, key=lambda one: one.failed_at)}
        if newest:
            rows = [newest[key] for key in sorted(newest)]
            await connection.execute(self._write, bulk.encode_records(rows))
        in_order = sorted(published, key=lambda one: one.published_at)
        if in_order:
            await self._end(connection, {one.account_id: one.published_at for one in in_order})
            works = sorted({one.platform: one.published_at for one in in_order}.items())
            rows_of_networks = [{"platform": platform, "published_at": at} for platform, at in works]
            await connection.execute(self._write_network, bulk.encode(rows_of_networks))

    async def _end(self, connection: AsyncConnection, published_at: dict[str, datetime]) -> None:
        asked = bulk.encode({"account_id": account_id} for account_id in published_at)
        for account_id in sorted((await connection.execute(self._of_these, asked)).scalars()):
            await self.forget(connection, account_id, published_at[account_id])

    async def forget(self, connection: AsyncConnection, account_id: str, until: datetime) -> None:
        """Forget what failed on an account until then, in one statement: there may be a hundred thousand posts."""
        c = failures.c
        await connection.execute(delete(failures).where(c.account_id == account_id, c.failed_at <= until))

    async def failing(self) -> Sequence[Failing]:
        """What fails, counted by network, account and the network's code for the reason."""
        f, platform = failures.c, func.coalesce(accounts.c.platform, "unknown").label("network")
        says_nothing_of_others = or_(accounts.c.platform.is_(None), networks.c.published_at >= f.failed_at)
        counted = (
            select(
                platform,
                f.account_id,
                f.code,
                func.count().label("posts"),
                func.sum(case((says_nothing_of_others, 0), else_=1)).label("since_the_network_published"),
                func.min(f.failed_at).label("since"),
                func.min(f.post_id).label("example"),
                func.min(f.message).label("message"),
            )
            .join_from(failures, accounts, accounts.c.account_id == f.account_id, isouter=True)
            .join(networks, networks.c.platform == accounts.c.platform, isouter=True)
            .group_by(platform, f.account_id, f.code)
            .order_by(platform, f.account_id, f.code)
        )
        async with self._database.reading(within=LONG_READ) as connection:
            return [Failing(**row) for row in (await connection.execute(counted)).mappings()]
