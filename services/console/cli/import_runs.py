"""Importing: the console keeps the file and sends its posts, whatever becomes of this terminal."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.progress import TaskProgressColumn, TimeRemainingColumn

from services.console.cli.client import Client, in_path
from services.console.cli.import_tally import Tally
from services.console.cli.progress import looks, progress_bar, until_over
from services.console.cli.screen import counted, note, say
from services.console.imports.parts import Part

IN_DOUBT = "it may have begun: import the file again, which changes nothing of what it has scheduled"

RunJson = dict[str, Any]


@dataclass(frozen=True)
class HandedOver:
    """A part of the file, and the import that the console has made of it."""

    part: Part
    run: RunJson


async def hand_over(
    client: Client, parts: Sequence[Part], *, name: str, zone: str | None, wanted: Mapping[str, bool]
) -> list[HandedOver]:
    """The imports as the console has them once they are started: none, if it does not take all of them.

    `wanted` is what was seen in the file, and is meant.
    """
    named = [name] if len(parts) == 1 else [f"{name} ({number} of {len(parts)})" for number in range(1, len(parts) + 1)]
    runs = [await _prepared(client, part, one, zone) for part, one in zip(parts, named, strict=True)]
    return [HandedOver(part, await _started(client, run, part, wanted)) for part, run in zip(parts, runs, strict=True)]


async def _prepared(client: Client, part: Part, name: str, zone: str | None) -> RunJson:
    run: RunJson = await client.send_file("/v1/imports", part.content, name=name, zone=zone, encoding=part.encoding)
    return run


async def _started(client: Client, run: RunJson, part: Part, wanted: Mapping[str, bool]) -> RunJson:
    body = dict(wanted) | {"encoding_is_right": part.encoding is not None}
    started: RunJson = await client.call("POST", f"{_path(run)}:start", body=body)
    return started | {"page": f"{client.url}/import/{in_path(run['id'])}"}


def show_started(imports: Sequence[HandedOver]) -> None:
    """Where they can be followed."""
    for one in imports:
        posts = counted(one.run["total"], "post")
        going_on = "and goes on without this terminal; follow or stop it at"
        say(f"the console imports {posts}, {going_on} {one.run['page']}", "green")


def followed(imports: Sequence[HandedOver], tally: Tally, *, name: str) -> Tally:
    """What became of the posts, once that is known; who does not wait for it, or cannot, is told where to look."""
    return until_over(lambda client: over(client, imports, tally, name), lambda: _say_how_it_goes_on(imports))


async def over(client: Client, imports: Sequence[HandedOver], tally: Tally, name: str) -> Tally:
    """Add what became of the posts to the tally, once that is known."""
    with progress_bar(TaskProgressColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task(name, total=sum(one.run["total"] for one in imports))
        sent = 0
        for one in imports:
            async for run in looks(client, _path(one.run), one.run):
                progress.update(task, completed=sent + run["sent"])
            sent += run["sent"]
            tally.count(run, [line async for line in _lines(client, one)])
    return tally


async def _lines(client: Client, one: HandedOver) -> AsyncIterator[RunJson]:
    """The lines to look at, with their numbers in the file."""
    after: str | None = None
    while True:
        page = await client.call("GET", f"{_path(one.run)}/lines", after=after)
        for line in page["lines"]:
            yield line | {"line": one.part.line(line["line"])}
        after = page["next"]
        if after is None:
            return


def _say_how_it_goes_on(imports: Sequence[HandedOver]) -> None:
    note("the console goes on without you; follow or stop it here, what it has sent stays scheduled:")
    for one in imports:
        note(f"  {one.run['page']}")


def _path(run: RunJson) -> str:
    return f"/v1/imports/{in_path(run['id'])}"
