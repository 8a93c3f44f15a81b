"""Every command that a page or a help text shows is one: its name, options and arguments are understood."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from services.console.cli.application import app
from services.console.cli.first_steps import SCHEDULE
from tests.architecture.test_anatomy import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FILES = re.compile(r"[\w-]+\.(?:csv|jsonl|yaml|json)")
REDIRECTED = re.compile(r"\s[<|>]\s.*")
TIMEBALL: Any = get_command(app)


def printed(page: Path) -> Iterator[str]:
    """The lines in the page's blocks of code that call timeball."""
    is_code = False
    for line in page.read_text().splitlines():
        is_code ^= line.startswith("```")
        if is_code and line.startswith("timeball "):
            yield line


def shown_by_help(command: Any) -> Iterator[str]:
    """The examples of a command and of those under it."""
    yield from (line for line in (command.help or "").splitlines() if line.startswith("timeball "))
    for inner in getattr(command, "commands", {}).values():
        yield from shown_by_help(inner)


def understand(command: Any, arguments: list[str], parent: Any = None) -> None:
    """Read a command line without running anything; an error where it means nothing."""
    context = command.make_context("timeball", arguments, parent=parent)
    rest = [*context._protected_args, *context.args]
    if hasattr(command, "commands") and rest:
        _, inner, inner_arguments = command.resolve_command(context, rest)
        understand(inner, inner_arguments, context)


@pytest.mark.parametrize(
    "line", sorted({*shown_by_help(TIMEBALL), *(line for page in PAGES for line in printed(page))})
)
def test_a_printed_command_is_understood(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in FILES.findall(line):
        (tmp_path / name).touch()

    understand(TIMEBALL, shlex.split(REDIRECTED.sub("", line), comments=True)[1:])


def test_the_first_page_and_the_program_recommend_the_same_first_command() -> None:
    assert SCHEDULE in printed(ROOT / "README.md")
