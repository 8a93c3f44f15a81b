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
    tally.pending += len(answer["waiting"])
    tally.accepted += len(answer["accepted"])
    tally.changed += sum(1 for accepted in answer["accepted"] if accepted["changed"])
    tally.warnings.update(warning for accepted in answer["accepted"] for warning in warnings_in(accepted))
    lines = _by_post(batch)
    for rejected in answer["rejected"]:
        post_id, account_id = rejected["post_id"], rejected.get("account_id")
        line = lines.get((post_id, account_id)) or lines.get((post_id, None)) or batch[0]
        is_left_alone = rejected["code"] == "conflict" and not overwrite and not _expects(line)
        told = {"line": line.number, "post_id": post_id, "account_id": account_id, "code": rejected["code"]}
        reason = rejected["reason"].removeprefix("expected_revision: ") if is_left_alone else rejected["reason"]
        (tally.left_alone if is_left_alone else tally.rejected).append(told | {"reason": reason})


def _expects(line: Line) -> bool:
    """Whether the line itself says which revision it expects."""
    return "expected_revision" in (line.post or {})


def _by_post(batch: Sequence[Line]) -> dict[tuple[str, str | None], Line]:
    """The line that names a post, with and without an account."""
    lines: dict[tuple[str, str | None], Line] = {}
    for line in batch:
        post = line.post or {}
        for account_id in (None, *(target["account_id"] for target in post["targets"])):
            lines[post["post_id"], account_id] = line
    return lines
