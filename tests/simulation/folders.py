"""Folders with the databases of a run, in memory where the machine has such a file system."""

import shutil
import tempfile
from pathlib import Path

from sqlalchemy import create_engine

from tests.simulation.assembly import TABLES


def templates(folder: Path) -> None:
    """Empty databases with all tables, to be copied for each run."""
    for service, tables in TABLES.items():
        engine = create_engine(f"sqlite:///{folder / service}.db")
        tables.metadata.create_all(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        engine.dispose()


def folder_in_memory() -> Path:
    """A new folder, in memory where the machine has such a file system."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="timeball-simulation-", dir=memory if memory.is_dir() else None))


def copied(templates_in: Path) -> Path:
    """A folder with databases of its own."""
    folder = folder_in_memory()
    for file in templates_in.glob("*.db"):
        shutil.copy(file, folder / file.name)
    return folder
