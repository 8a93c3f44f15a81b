"""Once: a request with an `Idempotency-Key` is carried out once, and answered alike however often it is sent."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated

import structlog
from fastapi import Depends, Header
from starlette.responses import JSONResponse, Response

from services.console.api.console import Console, TheConsole
from services.console.api.errors import MEDIA_TYPE, Refusal, refusal_response
from services.console.api.views import BatchSettled, Scheduled
from services.console.requests.idempotency import Answered, Claimed
from shared.database.refusals import UNUSABLE
from shared.events import Event
from shared.events.patterns import PRINTABLE

log = structlog.get_logger()

ACCEPTED = 202
REPEATED = {"Idempotent-Replayed": "true"}

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=PRINTABLE,
        description="Any text of your own; the same request under the same key gets the same answer for 7 days.",
    ),
]


@dataclass(frozen=True)
class Once:
    """Carries out a request; without a key each time it is sent."""

    console: Console
    key: str | None

    async def answer(self, request: Event, carry_out: Callable[[], Awaitable[Scheduled | BatchSettled]]) -> Response:
        """The answer to the request: the one that was given, where there is one."""
        if self.key is None:
            return _accepted(await carry_out())
        digest = sha256(request.type.encode() + request.body()).hexdigest()
        claimed = await self.console.idempotency_keys.claim(self.key, digest, self.console.clock.now())
        if claimed.since is None:
            return _as_before(claimed, digest, self.key)
        return await self._carried_out(self.key, claimed.since, carry_out)

    async def _carried_out(
        self, key: str, since: datetime, carry_out: Callable[[], Awaitable[Scheduled | BatchSettled]]
    ) -> Response:
        """The answer, kept under the key where it is final."""
        keys, is_final = self.console.idempotency_keys, False
        try:
            settled = await carry_out()
            response, is_final = _accepted(settled), not settled.pending
        except Refusal as refusal:
            response, is_final = refusal_response(refusal), True
        finally:
            if not is_final:
                await keys.release(key, since)
        if is_final:
            await self._keep(key, since, Answered(response.status_code, bytes(response.body)))
        return response

    async def _keep(self, key: str, since: datetime, answer: Answered) -> None:
        """Keep the answer where the database takes it: the request was carried out, and is answered either way."""
        try:
            await self.console.idempotency_keys.keep(key, since, answer)
        except UNUSABLE as error:
            log.warning("answer_not_kept", key=key, error=repr(error))


def _accepted(settled: Scheduled | BatchSettled) -> Response:
    return JSONResponse(settled.model_dump(mode="json"), ACCEPTED)


def _as_before(claimed: Claimed, digest: str, key: str) -> Response:
    """What is answered to a request whose key is in use."""
    if claimed.digest != digest:
        reason = f"Idempotency-Key: {key!r} was used for another request; choose a key of its own for each"
        raise Refusal(422, "key_used_otherwise", reason, field="Idempotency-Key")
    if claimed.answer is None:
        reason = f"Idempotency-Key: the request under {key!r} is being carried out; ask again in a moment"
        raise Refusal(409, "under_way", reason, field="Idempotency-Key")
    media_type = MEDIA_TYPE if claimed.answer.status >= 400 else "application/json"  # noqa: PLR2004
    return Response(claimed.answer.body, claimed.answer.status, REPEATED, media_type)


async def _once(console: TheConsole, key: Key = None) -> Once:
    return Once(console, key)


TheOnce = Annotated[Once, Depends(_once)]
"""A route's parameter that carries its request out once."""
