"""Whatever command the pages and the alerts tell a person to run is there, with the options that are named."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from services.console.cli.application import app

ROOT = Path(__file__).parents[2]
SOURCES = [*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "services" / "maintenance").glob("*.py"))]
COMMAND = re.compile(r"`timeball ((?:[^`\n]|\n(?!\n))+)`")


def commands_in(path: Path) -> Iterator[str]:
    text = re.sub(r'"\n\s+f?"', "", path.read_text())
    for found in COMMAND.finditer(text):
        yield " ".join(found[1].split())


def problem_with(line: str) -> str | None:
    """What is wrong with a command line, if anything; words in capitals and values stand for what a person gives."""
    command: Any = typer.main.get_command(app)
    words = line.split()
    while words and (chosen := getattr(command, "commands", {}).get(words[0].rstrip(","))):
        command, words = chosen, words[1:]
    if getattr(command, "commands", None) and words and re.match("[a-z]", words[0]):
        return f"no command {words[0]!r}"
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in words if word.startswith("--") and word not in known | {"--help", "--version"}]
    return f"no option {unknown[0]!r}" if unknown else None


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_named_exists(path: Path) -> None:
    wrong = {line: problem for line in commands_in(path) if (problem := problem_with(line))}

    assert wrong == {}


def test_a_wrong_command_is_noticed() -> None:
    assert problem_with("dead-letters list") is None
    assert problem_with("dead-letter list") == "no command 'dead-letter'"
    assert problem_with("timers fire monitor.check") == "no command 'fire'"
    assert problem_with("retry POST --all") == "no option '--all'"


def test_the_alerts_name_commands() -> None:
    conditions = ROOT / "services" / "maintenance" / "conditions.py"

    assert len(list(commands_in(conditions))) >= 3
