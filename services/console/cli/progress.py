"""Work that the console goes on with: how far it is, until it is over or nobody waits for it any more."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import typer
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn

from services.console.cli.calling import called
from services.console.cli.client import Client, Refused
from services.console.cli.exit_codes import REFUSED, UNREACHABLE
from services.console.cli.screen import note, screen

LOOK_SECONDS = 0.25

AnswerT = TypeVar("AnswerT")


def until_over(work: Callable[[Client], Awaitable[AnswerT]], say_how_it_goes_on: Callable[[], None]) -> AnswerT:
    """The answer of work that the console goes on with; who does not wait for it, or cannot, is told how it does."""
    try:
        return called(work)
    except KeyboardInterrupt:
        say_how_it_goes_on()
        raise typer.Exit(REFUSED) from None
    except typer.Exit as error:
        if error.exit_code == UNREACHABLE:
            say_how_it_goes_on()
        raise


async def looks(client: Client, path: str, run: Any) -> AsyncIterator[Any]:
    """How far the run at this path is, again and again until it is over; a console that cannot say it will again."""
    is_away = False
    while True:
        yield run
        if run["state"] != "running":
            return
        await asyncio.sleep(LOOK_SECONDS)
        try:
            run, is_away = await client.call("GET", path), False
        except Refused as error:
            if not error.is_passing:
                raise
            if not is_away:
                note(f"how far it is, the console cannot say at present: {error}")
            is_away = True


def progress_bar(*figures: ProgressColumn) -> Progress:
    """A bar with these figures beside it while something goes on, which only a terminal shows."""
    shown = screen(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), *figures)
    return Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal)
