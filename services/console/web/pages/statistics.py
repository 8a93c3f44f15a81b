"""`/statistics`: what became of posts by day, hour, account and network, and how late they were."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import Console, TheConsole
from services.console.read_model.statistics import Figures, Period
from services.console.web import charts
from services.console.web.days import day_of
from services.console.web.figures import (
    GROUPS,
    KINDS,
    Row,
    column_of,
    days_asked,
    days_in_a_column,
    last_days,
    last_hours,
    minutes_past,
    name_of,
    range_of,
)
from services.console.web.networks import by_network, title_of
from services.console.web.templating import TheViewer, Viewer, render

CHOICES = (7, 30, 91)
MOST_ACCOUNTS = 40
NO_NETWORK = "not known"

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which accounts are looked at: `account_ids` is None for all."""

    account: str
    network: str
    networks: Mapping[str, str]

    @classmethod
    async def of(cls, console: Console, account: str, network: str) -> Self:
        """What was chosen, beside the network of every account."""
        known = await console.queries.networks()
        return cls(account, network, {account_id: platform or NO_NETWORK for account_id, platform in known})

    @property
    def account_ids(self) -> Sequence[str] | None:
        """The accounts that both choices leave."""
        if not self.account and not self.network:
            return None
        named = [self.account] if self.account else list(self.networks)
        return [one for one in named if not self.network or self.network_of(one) == self.network]

    def network_of(self, account_id: str) -> str:
        """The network of an account, as far as it is known."""
        return self.networks.get(account_id, NO_NETWORK)


@router.get("/statistics", dependencies=[READ])
async def show_statistics(
    console: TheConsole, request: Request, viewer: TheViewer, *, days: str = "", account: str = "", network: str = ""
) -> Response:
    """The last days, the last hours, and each account and network."""
    chosen, count = await Chosen.of(console, account, network), days_asked(days)
    periods = last_days(viewer.now, viewer.zone, count)
    by_day, by_hour, (by_account, of_networks) = await asyncio.gather(
        _by_day(console, viewer, chosen, periods, days_in_a_column(count)),
        _by_hour(console, viewer, chosen),
        _by_account(console, chosen, Period(periods[0][1].begins_at, periods[-1][1].ends_at)),
    )
    short = [f"{day.day} {day:%b}" for day, _ in periods]
    return render(
        request,
        "statistics.html",
        viewer=viewer,
        chosen=chosen,
        accounts=by_network(chosen.networks.items()),
        days=count,
        is_by_week=days_in_a_column(count) > 1,
        choices=CHOICES,
        groups=GROUPS,
        whole=Row("All", Figures.sum(row.figures for row in by_day)),
        by_day=by_day,
        by_hour=by_hour,
        by_account=by_account,
        most_accounts=MOST_ACCOUNTS,
        by_network=of_networks,
        day_chart=charts.stacked([column_of(*pair) for pair in zip(by_day, short, strict=True)], KINDS),
        lateness_chart=charts.ranges([range_of(*pair) for pair in zip(by_day, short, strict=True)]),
        hour_chart=charts.stacked([column_of(row, row.name) for row in by_hour], KINDS),
        minutes_past=minutes_past(periods),
        title_of=title_of,
        zone_asked=request.query_params.get("zone", ""),
    )


async def _by_day(
    console: Console, viewer: Viewer, chosen: Chosen, days: Sequence[tuple[date, Period]], step: int
) -> list[Row]:
    figures = await console.queries.statistics.of_periods([period for _, period in days], chosen.account_ids)
    today = day_of(viewer.now, viewer.zone)
    return [Row(name_of(first, step, today), one) for (first, _), one in zip(days, figures, strict=True)]


async def _by_hour(console: Console, viewer: Viewer, chosen: Chosen) -> list[Row]:
    hours = last_hours(viewer.now)
    figures = await console.queries.statistics.of_periods(hours, chosen.account_ids)
    names = [f"{viewer.local(hour.begins_at):%a %H:%M}" for hour in hours]
    return [Row(name, one) for name, one in zip(names, figures, strict=True)]


async def _by_account(console: Console, chosen: Chosen, period: Period) -> tuple[list[Row], list[Row]]:
    """Each account, those of the most posts first, and each network."""
    found = await console.queries.statistics.of_accounts(period, chosen.account_ids)
    of_network = defaultdict(list)
    for account_id, figures in found.items():
        of_network[chosen.network_of(account_id)].append(figures)
    accounts = [Row(account_id, figures) for account_id, figures in found.items()]
    networks = [Row(title_of(name), Figures.sum(some)) for name, some in of_network.items()]
    return _largest_first(accounts), _largest_first(networks)


def _largest_first(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-row.figures.posts, row.name))
