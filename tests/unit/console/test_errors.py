"""Errors that are answered, and are none of the console's."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.types import Message

from services.console.api.errors import answer_errors


async def test_whoever_goes_away_while_sending_a_body_is_no_failure_of_the_console() -> None:
    app, sent = FastAPI(), []
    answer_errors(app)

    @app.post("/")
    async def read(request: Request) -> int:
        return len(await request.body())

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    await app(scope, gone, send)

    assert sent[0]["status"] == 400
