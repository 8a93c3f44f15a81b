"""What a run prints, and what it leaves behind as JSON."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.figure import Result
from deploy.local.postgres_node import find_program

RESULTS = Path(__file__).parent / "results"
_WIDTH = 140  # of the table where the output is a file


def show(results: Sequence[Result]) -> None:
    """Print every figure, its sides, and whether it reached what it should."""
    table = Table("figure", "side", "measured", "to reach")
    for result in results:
        for number, (side, row) in enumerate(result.rows.items()):
            first = number == 0
            table.add_row(result.figure if first else "", side, _values(row), _reaches(result) if first else "")
        if result.cpu_seconds:
            table.add_row("", "CPU seconds", _values(result.cpu_seconds), "")
        table.add_section()
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)


def save(results: Sequence[Result], *, quick: bool) -> Path:
    """Write the run as JSON beside the earlier ones; where."""
    now = datetime.now(UTC)
    run = {
        "measured_at": now.isoformat(timespec="seconds"),
        "quick": quick,
        "machine": _machine(),
        "figures": [asdict(result) | {"met": [reach.met for reach in result.reaches]} for result in results],
    }
    file = RESULTS / f"{now:%Y%m%dT%H%M%SZ}.json"
    file.write_text(json.dumps(run, indent=2) + "\n")
    return file


def _values(row: Mapping[str, Any]) -> str:
    return "  ".join(f"{name} {value:,}" for name, value in row.items())


def _reaches(result: Result) -> str:
    colours = {True: "green", False: "red"}
    return "\n".join(f"[{colours[reach.met]}]{reach}" for reach in result.reaches)


def _machine() -> dict[str, Any]:
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_before_report": os.getloadavg()[0],
        "python": platform.python_version(),
        "postgres": _version(find_program("postgres")),
        "redis": _version("redis-server"),
        "node": _version("node"),
    }


def _version(program: str) -> str | None:
    if shutil.which(program) is None:
        return None
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip()
