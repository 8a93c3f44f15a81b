"""Whatever command the pages, errors and alerts tell a person to run is there, with the options that are named."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from services.console.cli.application import app
from services.console.cli.loading import Named
from tests.architecture.pages import PAGES, ROOT, blocks_of, name_of

CODE = [path for path in sorted((ROOT / "services").rglob("*.py")) if "`timeball " in path.read_text()]
COMMAND = re.compile(r"`timeball ((?:[^`\n]|\n(?!\n))+)`")
LINE = re.compile(r"^timeball ([^#|<\n]+)", re.MULTILINE)


def commands_in(path: Path) -> Iterator[str]:
    """Commands between backticks, and on pages each line of a block that begins with one."""
    text = re.sub(r'"\n\s+f?"', "", path.read_text())
    lines = LINE.findall(blocks_of(path)) if path in PAGES else []
    for found in [*COMMAND.findall(text), *lines]:
        yield " ".join(found.split())


def problem_with(line: str) -> str | None:
    """What is wrong with a command line, if anything; words in capitals and values stand for what a person gives."""
    command: Any = typer.main.get_command(app)
    words = line.split()
    while words and (chosen := getattr(command, "commands", {}).get(words[0].rstrip(","))):
        command, words = chosen.loaded() if isinstance(chosen, Named) else chosen, words[1:]
    if getattr(command, "commands", None) and words and re.match("[a-z]", words[0]):
        return f"no command {words[0]!r}"
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    options = [word.split("=")[0] for word in words if word.startswith("--")]
    unknown = [option for option in options if option not in known | {"--help", "--version"}]
    return f"no option {unknown[0]!r}" if unknown else None


@pytest.mark.parametrize("path", [*PAGES, *CODE], ids=name_of)
def test_every_command_that_is_named_exists(path: Path) -> None:
    wrong = {line: problem for line in commands_in(path) if (problem := problem_with(line))}

    assert wrong == {}


def test_a_wrong_command_is_noticed() -> None:
    assert problem_with("dead-letters list") is None
    assert problem_with("dead-letter list") == "no command 'dead-letter'"
    assert problem_with("timers fire monitor.check") == "no command 'fire'"
    assert problem_with("retry POST --all") == "no option '--all'"


def test_the_alerts_name_commands() -> None:
    maintenance = ROOT / "services" / "maintenance"
    found = [list(commands_in(maintenance / name)) for name in ("conditions.py", "post_conditions.py")]

    assert [len(commands) >= 2 for commands in found] == [True, True]
