"""Every service reads the same way, and nothing grows beyond what a person reads in one sitting."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FOLDERS = ("services", "shared", "deploy")
ANATOMY = (
    "__init__.py", "__main__.py", "app.py", "settings.py", "handlers.py", "store.py", "tables.py", "domain.py",
    "migrations/env.py",
)  # fmt: skip
MOST_LINES = 300

SERVICES = sorted(folder for folder in (ROOT / "services").iterdir() if any(folder.glob("*.py")))
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_there(service: Path, name: str) -> bool:
    return (service / name).is_file() or (service / name.removesuffix(".py") / "__init__.py").is_file()


@pytest.mark.parametrize("service", SERVICES, ids=name_of)
def test_a_service_has_the_files_every_service_has(service: Path) -> None:
    """A folder without an `__init__.py` is invisible to the import linter; what grew is a folder of its nouns."""
    assert [name for name in ANATOMY if not is_there(service, name)] == []


@pytest.mark.parametrize("service", SERVICES, ids=name_of)
def test_a_service_says_what_it_owns_reacts_to_and_emits(service: Path) -> None:
    told = ast.get_docstring(ast.parse((service / "__init__.py").read_text())) or ""

    assert [word for word in ("owns ", "reacts to ", "emits ") if word not in told] == []


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for path in SOURCES if "versions" not in path.parts and "migrations" not in path.parts}

    assert [name_of(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_is_longer_than_a_sitting(folder: str) -> None:
    long = {
        name_of(path): lines
        for path in SOURCES
        if path.is_relative_to(ROOT / folder) and (lines := len(path.read_text().splitlines())) > MOST_LINES
    }

    assert long == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [name_of(path) for path in SOURCES if ast.get_docstring(ast.parse(path.read_text())) is None]

    assert [name for name in silent if Path(ROOT / name).read_text().strip()] == []


PLATFORMS = ROOT / "services" / "publisher" / "platforms"
NETWORKS = sorted(folder for folder in PLATFORMS.iterdir() if any(folder.glob("*.py")))
WORDS = frozenset(
    (
        "__init__",
        "options",
        "pictures",
        "platform",
        "post",
        "replies",
        "rules",
        "sender",
        "session",
        "signature",
        "text",
    )
)
"""What a file in a network's folder may be called: the same in each, so that what is known of one is known of all."""


@pytest.mark.parametrize("network", NETWORKS, ids=name_of)
def test_a_network_has_a_folder_whose_files_are_called_as_in_every_other(network: Path) -> None:
    names = {path.stem for path in network.glob("*.py")}

    assert names >= {"__init__", "platform"}
    assert sorted(names - WORDS) == []


def test_what_all_networks_share_names_none_of_them() -> None:
    shared = [path.stem for path in PLATFORMS.glob("*.py")]

    assert [name for name in shared if name.split("_")[0] in {network.name for network in NETWORKS}] == []
