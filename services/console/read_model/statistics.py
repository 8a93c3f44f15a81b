"""Figures of periods of time, summed in the database from the counters of days and hours; no post is counted.

A period has the whole days of UTC that lie in it, and at its ends hours: so days of any zone are read in few rows.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, Executable, Integer, RowMapping, String, Table, bindparam, text

from services.console.read_model.lateness import Lateness, summary
from services.console.tables.counts import ALL_ACCOUNTS, daily_counts, daily_lateness, hourly_counts, hourly_lateness
from shared.database import bulk
from shared.database.engine import Database, InstantColumn

_PERIODS = (Column("number", Integer), Column("begins_at", InstantColumn), Column("ends_at", InstantColumn))


_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """The hours that begin from one instant on and before another one."""

    begins_at: datetime
    ends_at: datetime

    @property
    def days(self) -> "Period":
        """The whole days of UTC in it; none where it ends before it begins."""
        begins_at, ends_at = _midnight(self.begins_at), _midnight(self.ends_at)
        return Period(begins_at + _DAY if begins_at < self.begins_at else begins_at, ends_at)

    @property
    def hours(self) -> Iterator["Period"]:
        """What is left of it before and after its whole days."""
        days = self.days
        if days.begins_at >= days.ends_at:
            yield self
        else:
            yield Period(self.begins_at, days.begins_at)
            yield Period(days.ends_at, self.ends_at)


def _midnight(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass
class Figures:
    """What became of posts: how many are in each state, and how many there are on each step of lateness."""

    states: Counter[str] = field(default_factory=Counter)
    steps: Counter[int] = field(default_factory=Counter)

    @property
    def lateness(self) -> Lateness:
        """How late they were."""
        return summary({step: posts for step, posts in self.steps.items() if posts > 0})

    @property
    def posts(self) -> int:
        """How many there are."""
        return sum(self.states.values())

    @classmethod
    def sum(cls, some: Iterable["Figures"]) -> "Figures":
        """All of them together."""
        whole = cls()
        for one in some:
            whole.states.update(one.states)
            whole.steps.update(one.steps)
        return whole


class Statistics:
    """The counters as the page of statistics reads them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_periods(self, periods: Sequence[Period], account_ids: Sequence[str] | None = None) -> list[Figures]:
        """The figures of each period, of posts due in it; of all accounts unless some are named."""
        found = await self._figures("given.number", periods, [ALL_ACCOUNTS] if account_ids is None else account_ids)
        return [found[number] for number in range(len(periods))]

    async def of_accounts(self, period: Period, account_ids: Sequence[str] | None = None) -> Mapping[str, Figures]:
        """The figures of each account that had posts due in the period."""
        return await self._figures("counted.account_id", [period], account_ids)

    async def _figures(
        self, by: str, periods: Sequence[Period], account_ids: Sequence[str] | None
    ) -> defaultdict[Any, Figures]:
        figures: defaultdict[Any, Figures] = defaultdict(Figures)
        days = [(number, one.days) for number, one in enumerate(periods)]
        hours = [(number, part) for number, one in enumerate(periods) for part in one.hours]
        for table, parts in ((hourly_counts, hours), (daily_counts, days)):
            for row in await self._sums(table, "state", by, parts, account_ids):
                figures[row["of"]].states[row["state"]] += row["posts"]
        for table, parts in ((hourly_lateness, hours), (daily_lateness, days)):
            for row in await self._sums(table, "step", by, parts, account_ids):
                figures[row["of"]].steps[row["step"]] += row["posts"]
        return figures

    async def _sums(
        self, table: Table, what: str, by: str, parts: Sequence[tuple[int, Period]], account_ids: Sequence[str] | None
    ) -> Sequence[RowMapping]:
        rows = [
            {"number": number, "begins_at": part.begins_at, "ends_at": part.ends_at}
            for number, part in parts
            if part.begins_at < part.ends_at
        ]
        if not rows:
            return []
        statement = _summed(table, what, by, self._database.dialect, are_named=account_ids is not None)
        parameters = bulk.encode(rows) | ({"account_ids": list(account_ids)} if account_ids is not None else {})
        return await self._database.rows(statement, parameters)


def _summed(table: Table, what: str, by: str, dialect: str, *, are_named: bool) -> Executable:
    """The periods travel as rows, so that the database sums each of them from its days or hours."""
    begins = table.primary_key.columns[0].name
    wanted = "IN :account_ids" if are_named else f"<> '{ALL_ACCOUNTS}'"
    statement = text(
        f'SELECT {by} AS "of", counted.{what}, SUM(counted.posts) AS posts '
        f"FROM {bulk.rows_of(_PERIODS, dialect)} JOIN {table.name} AS counted "
        f"ON counted.{begins} >= given.begins_at AND counted.{begins} < given.ends_at "
        f"WHERE counted.account_id {wanted} "
        f"GROUP BY {by}, counted.{what} HAVING SUM(counted.posts) <> 0"
    )
    return statement.bindparams(bindparam("account_ids", type_=String, expanding=True)) if are_named else statement
