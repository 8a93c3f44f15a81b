"""Commands are imported when they are called: all of them cost ten times what one does, and a list needs none."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand

from services.console.cli.usage import OneLine


@dataclass(frozen=True)
class Place:
    """Where in services.console.cli the function or the group of a command is, and what is said of it in a list."""

    module: str
    name: str
    help: str


class Named(TyperCommand):
    """A command as it is listed."""

    def __init__(self, name: str, place: Place) -> None:
        super().__init__(name, help=place.help)
        self._place = place

    def loaded(self) -> Any:
        """The command itself."""
        found = getattr(import_module(f"services.console.cli.{self._place.module}"), self._place.name)
        around = typer.Typer(rich_markup_mode="markdown", pretty_exceptions_enable=False)
        if isinstance(found, typer.Typer):
            around.add_typer(found, name=self.name)
        else:
            around.command(self.name)(found)
        return typer.main.get_group(around).commands[str(self.name)]


class Loading(OneLine):
    """Commands that are loaded when they are called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that is called, or whose options are completed, and what is left of the line."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.loaded() if isinstance(command, Named) else command, rest
