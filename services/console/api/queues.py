"""Queues: how full they are, who consumes them, and what waits to be tried again."""

from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from services.console.api.access import READ
from services.console.api.console import Console, TheConsole
from services.console.depths import FiguresByQueue
from services.console.read_model.service_reports import Report
from shared.contract.entries import EVERY_SERVICE
from shared.messaging.topology import dead_queue, retry_queue, tiers_of

router = APIRouter(tags=["queues"])


class QueueView(BaseModel):
    """A queue that a service consumes; figures are null where the broker does not answer."""

    name: str
    messages: int | None
    consumers: int | None


class TierView(BaseModel):
    """So many messages wait for their next attempt, each for so many seconds."""

    seconds: int
    messages: int


class ServiceView(BaseModel):
    """A service, as its processes tell of it every minute and as the broker says.

    `processes` is how many told of themselves within three minutes, `reported_at` when one did last. `dead` and
    `retrying` are null where the broker does not answer. `outbox_age_seconds` is for how long the oldest event that is
    yet to be sent has been waiting.
    """

    service: str
    processes: int
    reported_at: datetime | None
    problems: dict[str, str]
    outbox_age_seconds: float | None
    queues: list[QueueView]
    retrying: list[TierView] | None
    dead: int | None


class QueueList(BaseModel):
    """Every service with its queues."""

    services: list[ServiceView]


@router.get("/v1/queues", dependencies=[READ])
async def list_queues(console: TheConsole) -> QueueList:
    """How full every queue is. The broker does not say how old the messages in a queue are."""
    return await queues_of(console)


async def queues_of(console: Console, *, lately: bool = False) -> QueueList:
    """Every service with its queues, as full as they are now, or were a moment ago where that spares waiting."""
    reports = await console.queries.service_reports.latest()
    names = [name for service in EVERY_SERVICE for name in names_of(service, reports)]
    figures = None if console.broker.trouble else await _look(console, names, lately=lately)
    now = console.clock.now()
    return QueueList(services=[service_view(service, reports, figures, now) for service in EVERY_SERVICE])


async def _look(console: Console, names: Sequence[str], *, lately: bool) -> FiguresByQueue | None:
    return await (console.depths.lately(names) if lately else console.depths.of(names))


def service_view(service: str, reports: Sequence[Report], figures: FiguresByQueue | None, now: datetime) -> ServiceView:
    """What is known of a service; `reports` are the latest first."""
    told = [report for report in reports if report.service == service]
    running = [report for report in told if not report.is_silent(now)]
    return ServiceView(
        service=service,
        processes=len(running),
        reported_at=told[0].seen_at if told else None,
        problems={name: problem for report in running for name, problem in report.problems.items()},
        outbox_age_seconds=max((one.outbox_age_seconds for one in running if one.outbox_age_seconds), default=None),
        queues=[_queue(name, figures) for name in _consumed(service, reports)],
        retrying=None if figures is None else _retrying(service, figures),
        dead=None if figures is None else _messages(figures, dead_queue(service)),
    )


def names_of(service: str, reports: Sequence[Report]) -> Sequence[str]:
    """The queues of a service to ask for: tiers only of a service that has once been there."""
    consumed = _consumed(service, reports)
    tiers = [retry_queue(service, tier) for tier in tiers_of(service)] if consumed else []
    return [dead_queue(service), *consumed, *tiers]


def _consumed(service: str, reports: Sequence[Report]) -> Sequence[str]:
    """What the newest report says: an older process may have had other queues."""
    return next((sorted(report.queues) for report in reports if report.service == service), [])


def _queue(name: str, figures: FiguresByQueue | None) -> QueueView:
    found = figures[name] if figures is not None else None
    return QueueView(
        name=name, messages=found.messages if found else None, consumers=found.consumers if found else None
    )


def _retrying(service: str, figures: FiguresByQueue) -> list[TierView]:
    tiers = [
        TierView(seconds=tier, messages=_messages(figures, retry_queue(service, tier))) for tier in tiers_of(service)
    ]
    return [tier for tier in tiers if tier.messages]


def _messages(figures: FiguresByQueue, name: str) -> int:
    found = figures.get(name)
    return found.messages if found else 0
