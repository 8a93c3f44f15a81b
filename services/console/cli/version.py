"""`timeball --version`."""

from importlib.metadata import version
from typing import Annotated

import typer

from services.console.cli.screen import say


def _show(is_asked_for: bool) -> None:
    if is_asked_for:
        say(f"timeball {version('timeball')}")
        raise typer.Exit


def options(
    _: Annotated[bool, typer.Option("--version", callback=_show, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Every post published at its moment, once. `timeball up` starts everything on this machine."""
