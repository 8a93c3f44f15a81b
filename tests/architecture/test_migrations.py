"""A migration does tomorrow what it did yesterday: it knows nothing of ours that changes meanwhile."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.test_anatomy import FOLDERS, ROOT, name_of

MIGRATIONS = sorted((ROOT / "services").glob("*/migrations/versions/*.py"))
NEVER_CHANGES = {"shared.database.engine.InstantColumn"}
"""How instants are kept in every table there is: to change it, each of them would have to be migrated."""


def imported(source: str) -> Iterator[str]:
    """Every name that is imported, with its module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{one.name}" for one in node.names)


def of_ours(source: str) -> set[str]:
    """What is imported from Timeball's own code, but for what never changes."""
    return {name for name in imported(source) if name.split(".")[0] in (*FOLDERS, "tests", "")} - NEVER_CHANGES


@pytest.mark.parametrize("migration", MIGRATIONS, ids=name_of)
def test_a_migration_imports_nothing_of_ours_that_may_change(migration: Path) -> None:
    """Write into it what it needs: code that changes later would change what earlier releases' data becomes."""
    assert of_ours(migration.read_text()) == set()


@pytest.mark.parametrize(
    "statement",
    [
        "from services.console.tables.counts import post_counts",
        "import services.console.tables.counts",
        "import shared.database.bulk as bulk",
        "from shared.database import engine",
        "from shared.database.engine import InstantColumn, as_text",
        "from .. import env",
        "from . import helper",
        "def upgrade():\n    from services.console import domain",
    ],
)
def test_what_may_change_is_found_however_it_is_imported(statement: str) -> None:
    assert of_ours(statement)


def test_every_service_has_migrations() -> None:
    assert {migration.parts[-4] for migration in MIGRATIONS} == {
        path.parent.name for path in (ROOT / "services").glob("*/app.py")
    }
