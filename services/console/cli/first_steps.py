"""What to type first, once everything is up: commands that work as they are printed, in any new terminal."""

import os
import shutil
import sys
from pathlib import Path
from shlex import quote

from services.console.cli.screen import say

SCHEDULE = 'timeball schedule "Hello" --to demo-one --in 10s'


def show_first_steps(home: Path, first: str) -> None:
    """Print them, with what a new terminal needs to find this Timeball."""
    activate = None if shutil.which("timeball") else Path(sys.prefix) / "bin" / "activate"
    given_home = home if "TIMEBALL_HOME" in os.environ else None
    say("\ntry, in another terminal:")
    for command in first_steps(Path.cwd(), given_home, activate, first):
        say(f"  {command}")
    say("Ctrl-C here stops everything\n")


def first_steps(folder: Path, home: Path | None, activate: Path | None, first: str) -> list[str]:
    """`home` where another than the folder's var/ is used; `activate` where `timeball` is not on the path yet."""
    steps = [f"cd {quote(str(folder))}"]
    if home:
        steps.append(f"export TIMEBALL_HOME={quote(str(home))}")
    if activate:
        steps.append(f"source {quote(_from(folder, activate))}")
    return [*steps, first, "timeball status"]


def _from(folder: Path, file: Path) -> str:
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)
