"""Work that the console goes on with: how far it is, until it is over or nobody waits for it any more."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn

from services.console.cli.calling import called
from services.console.cli.client import Client
from services.console.cli.exit_codes import REFUSED, UNREACHABLE
from services.console.cli.screen import screen

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


def progress_bar(*figures: ProgressColumn) -> Progress:
    """A bar with these figures beside it while something goes on, which only a terminal shows."""
    shown = screen(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), *figures)
    return Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal)
