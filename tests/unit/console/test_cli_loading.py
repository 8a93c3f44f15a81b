"""A command loads what it needs and nothing more: lists of commands, completions and the version hardly anything."""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from services.console.cli.application import COMMANDS, app
from services.console.cli.loading import Named
from tests.support.fork_server import ROOT

COSTLY = {
    "aio_pika", "aiohttp", "alembic", "apprise", "authlib", "cryptography", "faststream", "fastapi", "httpx", "nacl",
    "pydantic", "shared.events", "sqlalchemy", "yaml",
}  # fmt: skip
OF_TYPER = {"pydantic"}
"""What typer reads options with."""
LOADED = "import sys; from services.console.cli import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"


def loaded_by(*arguments: str, **environment: str) -> set[str]:
    """Of what is costly, what a command line loads; without what `make test-slow` has each Python load."""
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        env=usual | environment, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return COSTLY & set(ran.stderr.split())


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_what_asks_for_no_command_loads_none(option: str) -> None:
    assert loaded_by(option) == set()


def test_a_completion_of_commands_loads_none() -> None:
    assert loaded_by(_TIMEBALL_COMPLETE="complete_bash", COMP_WORDS="timeball sch", COMP_CWORD="1") <= OF_TYPER


def test_what_speaks_with_the_console_loads_a_client_and_no_service() -> None:
    assert loaded_by("timers", "list", TIMEBALL_URL="http://127.0.0.1:1") <= {"httpx"} | OF_TYPER


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_with_the_first_line_of_its_own_help(name: str) -> None:
    place = COMMANDS[name]

    own = Named(name, place).loaded()

    assert own.name == name
    assert place.help == own.help.partition("\n")[0]


def test_a_command_that_is_mistyped_is_guessed() -> None:
    assert "Did you mean 'schedule'?" in CliRunner().invoke(app, ["shedule"]).stderr
