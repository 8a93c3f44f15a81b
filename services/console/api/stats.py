"""Figures: how many posts are in each state, and how late they were of late."""

from datetime import timedelta

from fastapi import APIRouter
from pydantic import BaseModel

from services.console.api.access import READ
from services.console.api.console import TheConsole

RECENT = timedelta(hours=1)

router = APIRouter(tags=["overview"])


class LatenessView(BaseModel):
    """How late posts of the last hour started to be sent."""

    count: int
    p50: float | None
    p99: float | None


class Stats(BaseModel):
    """Counts by state, and the lateness of the last hour in milliseconds."""

    states: dict[str, int]
    accounts_connected: int
    lateness_ms: LatenessView


@router.get("/v1/stats", dependencies=[READ])
async def show_stats(console: TheConsole) -> Stats:
    """How many posts are in each state, and how late those of the last hour were."""
    lateness = await console.queries.counts.lateness_since(console.clock.now() - RECENT)
    accounts = await console.queries.accounts()
    return Stats(
        states=await console.queries.counts.by_state(),
        accounts_connected=sum(1 for account in accounts if account["is_connected"]),
        lateness_ms=LatenessView(count=lateness.count, p50=lateness.p50, p99=lateness.p99),
    )
