"""`/import`: a file of posts, read and reported on before anything is sent."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from services.console.api.access import READ
from services.console.api.errors import Refusal
from services.console.imports import PostFile, UnknownEncoding, read
from services.console.imports.batches import batches
from services.console.imports.plan import plan_of
from services.console.web.asked import TheViewer
from services.console.web.templating import render
from shared.clocks.local_time import UnknownZone, zone_named

router = APIRouter()


@router.get("/import", dependencies=[READ])
async def show_import(request: Request, viewer: TheViewer) -> Response:
    """Where a file is chosen, dropped or pasted."""
    return render(request, "import.html", viewer=viewer)


@router.post("/import/read", dependencies=[READ])
async def read_file(
    request: Request, zone: str, encoding: Annotated[str | None, Query(max_length=40)] = None
) -> dict[str, Any]:
    """What a file would do, and its posts in batches for `POST /v1/posts:batch`; nothing is sent."""
    content = await request.body()
    return await run_in_threadpool(_understood, content, zone, encoding)


def _understood(content: bytes, zone: str, encoding: str | None) -> dict[str, Any]:
    try:
        posts = read(content, zone=zone_named(zone).key, encoding=encoding)
    except UnknownZone as error:
        raise Refusal(400, "invalid", f"zone: {error}", field="zone") from error
    except UnknownEncoding as error:
        raise Refusal(400, "invalid", f"encoding: {error}", field="encoding") from error
    return {"plan": plan_of(posts), "is_encoding_guessed": posts.is_encoding_guessed, "batches": _batches(posts)}


def _batches(posts: PostFile) -> list[list[dict[str, Any]]]:
    return [[{"line": line.number, "post": line.post} for line in batch] for batch in batches(posts.posts)]
