"""`/queues`: how full every queue is; `/queues/{service}.dead`: what could not be handled, to replay or drop."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.console import TheConsole
from services.console.api.dead_letters import list_dead_letters
from services.console.api.queues import list_queues
from services.console.web.failing import NoSuchPage
from services.console.web.templating import render
from shared.contract.entries import EVERY_SERVICE
from shared.messaging.topology import dead_queue

ON_A_PAGE = 25

router = APIRouter()


@router.get("/queues", dependencies=[READ])
async def show_queues(console: TheConsole, request: Request, cursor: str | None = None) -> Response:
    """Every service with its queues, and what rests in all of them, the latest first."""
    page = await list_dead_letters(console, service=[], post_id=None, cursor=cursor, limit=ON_A_PAGE)
    services = (await list_queues(console)).services
    return render(
        request,
        "queues.html",
        page=page,
        services=services,
        broker_ui=console.broker_ui,
        has_cursor=cursor is not None,
    )


@router.get("/queues/{queue}", dependencies=[READ])
async def show_dead_letters(console: TheConsole, request: Request, queue: str, cursor: str | None = None) -> Response:
    """What rests in one service, the latest first."""
    service = {dead_queue(name): name for name in EVERY_SERVICE}.get(queue)
    if service is None:
        raise NoSuchPage(f"there are no dead letters in a queue {queue!r}", "See every queue", "/queues")
    page = await list_dead_letters(console, service=[service], post_id=None, cursor=cursor, limit=ON_A_PAGE)
    return render(
        request,
        "dead_letters.html",
        page=page,
        queue=queue,
        service=service,
        resting=page.services[0].resting,
        broker_ui=console.broker_ui,
        has_cursor=cursor is not None,
    )
