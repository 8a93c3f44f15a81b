"""Every command that an alert or a page of the docs tells an operator to run is one that there is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from services.console.cli.application import app

ROOT = Path(__file__).parents[3]
TOLD_IN = (ROOT / "docs" / "maintenance.md", *sorted((ROOT / "services" / "maintenance").glob("*.py")))
COMMANDS = typer.main.get_command(app)


def told() -> Iterator[tuple[str, str]]:
    for path in TOLD_IN:
        for command in re.findall(r"`timeball ([^`]+)`", path.read_text()):
            yield path.name, command


@pytest.mark.parametrize(("where", "command"), list(told()))
def test_a_command_that_is_told_exists(where: str, command: str) -> None:
    words = [word for word in command.split() if not word.startswith("-")]

    found = getattr(COMMANDS, "commands", {}).get(words[0])
    sub = getattr(found, "commands", None)

    assert found is not None, f"{where}: timeball {command}"
    assert sub is None or words[1] in sub, f"{where}: timeball {command}"


def test_the_runbook_tells_commands() -> None:
    assert any(command.startswith("dead-letters list") for _, command in told())
    assert any(command.startswith("retry --held") for _, command in told())
