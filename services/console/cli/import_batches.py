"""Sending the posts of a file to the console, in batches, and counting what became of them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from services.console.cli.client import Client, Refused
from services.console.cli.sentences import warnings_in
from services.console.imports import Line
from services.console.imports.batches import batches
from services.console.imports.outcomes import outcome_of

MOST_TRIES = 5


@dataclass
class Tally:
    """What became of the lines of a file; `left_alone` are posts that somebody has changed or cancelled since."""

    accepted: int = 0
    changed: int = 0
    skipped: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    left_alone: list[dict[str, Any]] = field(default_factory=list)
    pending: int = 0
    warnings: Counter[str] = field(default_factory=Counter)

    @property
    def unchanged(self) -> int:
        return self.accepted - self.changed

    @property
    def is_complete(self) -> bool:
        """Whether every line was taken, or left alone on purpose."""
        return not self.skipped and not self.rejected and not self.pending


async def send_posts(
    client: Client, lines: Sequence[Line], tally: Tally, *, overwrite: bool, progress: Callable[[int], None]
) -> None:
    """Send every post; without `overwrite`, one that is there already and differs stays as it is."""
    for batch in batches(lines):
        await _send(client, batch, tally, overwrite=overwrite)
        progress(len(batch))


async def _send(client: Client, batch: Sequence[Line], tally: Tally, *, overwrite: bool) -> None:
    """Send a batch, again while it is not answered: a post that is scheduled already stays as it is."""
    only_new = {} if overwrite else {"expected_revision": 0}
    body = {"batch_id": f"import-{uuid4().hex}", "posts": [only_new | dict(line.post or {}) for line in batch]}
    for _ in range(MOST_TRIES):
        answer = await _settled(client, body)
        if not answer["pending"] or answer["waiting"]:
            _count(batch, answer, tally, overwrite=overwrite)
            return
    tally.pending += len(batch)


async def _settled(client: Client, body: dict[str, Any]) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = await client.call("POST", "/v1/posts:batch", body=body)
    except Refused as error:
        if error.code != "broker_unavailable":
            raise
        return {"pending": True, "waiting": []}
    return answer


def _count(batch: Sequence[Line], answer: dict[str, Any], tally: Tally, *, overwrite: bool) -> None:
    outcome = outcome_of(batch, answer, overwrite=overwrite)
    tally.accepted += outcome.scheduled + outcome.unchanged
    tally.changed += outcome.scheduled
    tally.pending += len(answer["waiting"])
    tally.warnings.update(warning for accepted in answer["accepted"] for warning in warnings_in(accepted))
    for one in outcome.lines:
        told = {"line": one.line, "post_id": one.post_id, "account_id": one.account_id, "code": one.code}
        if one.kind != "pending":
            (tally.left_alone if one.kind == "left_alone" else tally.rejected).append(told | {"reason": one.reason})
