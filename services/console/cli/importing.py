"""`timeball import`: many posts from a file, in batches; to import the same file again changes nothing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from services.console.cli.calling import REFUSED, JsonFlag, called, wrong
from services.console.cli.client import Client, Refused
from services.console.cli.post_files import Line, UnreadableFile, lines_of
from services.console.cli.screen import complain, say, screen, show_json
from services.console.cli.sentences import warnings_in

MOST_IN_A_BATCH = 500
MOST_CHARACTERS = 2_000_000
MOST_TRIES = 5
MOST_WARNINGS = 10


@dataclass
class Tally:
    """What became of the lines of a file."""

    accepted: int = 0
    changed: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    pending: int = 0
    warnings: Counter[str] = field(default_factory=Counter)

    def reject(self, number: int, reason: str, **more: Any) -> None:
        """Note why a line was not taken."""
        self.rejected.append({"line": number, **more, "reason": reason})

    @property
    def is_complete(self) -> bool:
        return not self.rejected and not self.pending


def import_posts(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="JSON lines, or .csv.")],
    as_json: JsonFlag = False,
) -> None:
    """Schedule every post of a file.

    timeball import posts.jsonl

    timeball import calendar.csv

    A line of JSON is the body of `schedule.requested`: {"post_id": "a-1", "content": "Hello", "publish_at":
    "2027-03-28T09:00+02:00", "targets": [{"account_id": "demo-one"}]}. A table has the columns post_id, content,
    accounts and, if you like, publish_at, zone, media. Lines that are refused are listed; all others are scheduled.
    """
    tally = Tally()
    try:
        called(lambda client: _import(client, file, file.stat().st_size, tally))
    except UnreadableFile as error:
        wrong(error)
    show_json(vars(tally)) if as_json else _show(tally)
    if not tally.is_complete:
        raise typer.Exit(REFUSED)


async def _import(client: Client, file: Path, size: int, tally: Tally) -> None:
    with _progress() as progress:
        task = progress.add_task(file.name, total=size)
        for batch in batches(lines_of(file)):
            await _send(client, [line for line in batch if line.post], tally)
            for line in batch:
                if line.problem:
                    tally.reject(line.number, line.problem)
            progress.update(task, completed=batch[-1].end)


def _progress() -> Progress:
    shown = screen(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal)


def batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines in groups that fit into one request."""
    batch: list[Line] = []
    characters = 0
    for line in lines:
        size = len(str(line.post))
        if batch and (len(batch) == MOST_IN_A_BATCH or characters + size > MOST_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(line)
        characters += size
    if batch:
        yield batch


async def _send(client: Client, batch: Sequence[Line], tally: Tally) -> None:
    """Send a batch, again while it is not answered: a post that is scheduled already stays as it is."""
    if not batch:
        return
    body = {"batch_id": f"import-{uuid4().hex}", "posts": [line.post for line in batch]}
    for _ in range(MOST_TRIES):
        answer = await _settled(client, body)
        if not answer["pending"] or answer["waiting"]:
            _count(batch, answer, tally)
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


def _count(batch: Sequence[Line], answer: dict[str, Any], tally: Tally) -> None:
    tally.pending += len(answer["waiting"])
    tally.accepted += len(answer["accepted"])
    tally.changed += sum(1 for accepted in answer["accepted"] if accepted["changed"])
    tally.warnings.update(warning for accepted in answer["accepted"] for warning in warnings_in(accepted))
    numbers = _numbers(batch)
    for rejected in answer["rejected"]:
        known = numbers.get((rejected["post_id"], rejected.get("account_id"))) or numbers.get(
            (rejected["post_id"], None)
        )
        more = {"post_id": rejected["post_id"], "account_id": rejected.get("account_id"), "code": rejected["code"]}
        tally.reject(known[-1] if known else batch[0].number, rejected["reason"], **more)


def _numbers(batch: Sequence[Line]) -> dict[tuple[str, str | None], list[int]]:
    """The lines that name a post, with and without an account."""
    numbers: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for line in batch:
        post = line.post or {}
        for account_id in (None, *(target["account_id"] for target in post["targets"])):
            numbers[post["post_id"], account_id].append(line.number)
    return numbers


def _show(tally: Tally) -> None:
    for rejected in sorted(tally.rejected, key=lambda one: int(one["line"])):
        post = f"{rejected['post_id']}: " if rejected.get("post_id") else ""
        complain(f"line {rejected['line']}: {post}{rejected['reason']}")
    unchanged = tally.accepted - tally.changed
    say(f"{tally.changed} scheduled, {unchanged} unchanged, {len(tally.rejected)} rejected")
    for warning, posts in tally.warnings.most_common(MOST_WARNINGS):
        say(f"  {posts}x {warning}", "yellow")
    if len(tally.warnings) > MOST_WARNINGS:
        say(f"  and {len(tally.warnings) - MOST_WARNINGS} warnings more (--json tells them)", "yellow")
    if tally.pending:
        complain(f"{tally.pending} were not answered in time: run the import again")
