"""Folders with the databases of a run, in memory where the machine has such a file system, and connections to them."""

import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import MetaData, create_engine


def templates(folder: Path, tables: Mapping[str, MetaData]) -> None:
    """Empty databases with all tables, to be copied for each run."""
    for service, metadata in tables.items():
        engine = create_engine(f"sqlite:///{folder / service}.db")
        metadata.create_all(engine)
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


def connected(path: str) -> sqlite3.Connection:
    """A connection without locks on the file: the model decides who may write, and all reads are over at once.

    What is not committed stays in the cache of its connection, where nobody else sees it.
    """
    connection = sqlite3.connect(f"file:{path}?vfs=unix-none", uri=True, isolation_level=None)
    for pragma in ("journal_mode=MEMORY", "synchronous=OFF", "cache_spill=OFF", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection
