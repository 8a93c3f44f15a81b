"""The present comes from the clock, settings from the environment once, and services meet only at the broker."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.test_anatomy import ROOT, SOURCES, name_of

PRESENT = {
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"), ("time", "time"),
    ("time", "time_ns"),
}  # fmt: skip
ASKS_THE_SYSTEM = {
    "shared/clocks/clock.py": "is the clock",
    "services/console/cli/": "shows a person's own present",
}
ENVIRONMENT = {("os", "environ"), ("os", "getenv")}
READS_THE_ENVIRONMENT = {
    "deploy/": "starts other programs",
    "services/console/cli/": "is configured by what a person has set in the shell",
}


def attributes_of(path: Path) -> Iterator[tuple[tuple[str, str], int]]:
    """Every `name.attribute` in a file, with its line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
            yield (name, node.attr), node.lineno


def uses(wanted: set[tuple[str, str]], allowed: dict[str, str]) -> list[str]:
    """Where the wanted is used by files that are not allowed to."""
    return [
        f"{name_of(path)}:{line}"
        for path in SOURCES
        if not name_of(path).startswith(tuple(allowed))
        for attribute, line in attributes_of(path)
        if attribute in wanted
    ]


def test_only_the_clock_asks_the_system_for_the_present() -> None:
    assert uses(PRESENT, ASKS_THE_SYSTEM) == []


def test_only_settings_and_launchers_read_the_environment() -> None:
    assert uses(ENVIRONMENT, READS_THE_ENVIRONMENT) == []


@pytest.mark.parametrize("place", [*ASKS_THE_SYSTEM, *READS_THE_ENVIRONMENT])
def test_no_exception_outlives_its_reason(place: str) -> None:
    used = PRESENT if place in ASKS_THE_SYSTEM else set()
    used |= ENVIRONMENT if place in READS_THE_ENVIRONMENT else set()

    files = [path for path in SOURCES if name_of(path).startswith(place)]

    assert any(attribute in used for path in files for attribute, _ in attributes_of(path))


def test_imports_point_the_way_the_architecture_says() -> None:
    linter = Path(sys.executable).parent / "lint-imports"

    linted = subprocess.run([linter, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize("word", ["TestRabbitBroker", "unittest.mock"])
def test_tests_prove_delivery_on_the_real_thing(word: str) -> None:
    """The broker FastStream pretends to be fakes ack, reject, expiry and dead-lettering; patches fake everything."""
    here = Path(__file__)

    found = [name_of(path) for path in (ROOT / "tests").rglob("*.py") if path != here and word in path.read_text()]

    assert found == []
