"""What each program of a run costs: CPU seconds and memory, read from /proc for this process and those below it."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

LOADER, SINK = "loader", "sink"
_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PROGRAMS = {
    "beam.smp": "rabbitmq",
    "epmd": "rabbitmq",
    "rabbitmq-server": "rabbitmq",
    "postgres": "postgres",
    "redis-server": "redis",
    "nginx": SINK,
    "benchmarks.sink": SINK,
}


class Memory(NamedTuple):
    """Resident and proportional set size in MiB."""

    rss: float
    pss: float


class _Process(NamedTuple):
    pid: int
    parent: int
    cpu_seconds: float


def cpu_seconds() -> dict[str, float]:
    """CPU seconds used so far by each program, its ended children included."""
    total: dict[str, float] = defaultdict(float)
    for name, process in _programs():
        total[name] += process.cpu_seconds
    return dict(total)


def spent(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """CPU seconds between two readings."""
    return {name: round(after[name] - before.get(name, 0), 2) for name in sorted(after)}


def per_post(spent_seconds: Mapping[str, float], posts: int) -> float:
    """Milliseconds of CPU a post of all programs together, but for those that stand for others: loader and sink."""
    total = sum(seconds for name, seconds in spent_seconds.items() if name not in (LOADER, SINK))
    return round(1000 * total / posts, 2)


def memory() -> dict[str, Memory]:
    """Memory of each program, its children included."""
    total: dict[str, Memory] = {}
    for name, process in _programs():
        rss, pss = total.get(name, Memory(0, 0))
        more = _memory_of(process.pid)
        total[name] = Memory(round(rss + more.rss, 1), round(pss + more.pss, 1))
    return total


def _programs() -> Iterator[tuple[str, _Process]]:
    """Every process of the run with the name of its program; children go by the name of their parent."""
    processes = list(_all())
    yield from ((LOADER, process) for process in processes if process.pid == os.getpid())
    for process in processes:
        if process.parent == os.getpid():
            name = _name(process.pid)
            yield from ((name, member) for member in _tree(process, processes))


def _tree(root: _Process, processes: list[_Process]) -> Iterator[_Process]:
    yield root
    for process in processes:
        if process.parent == root.pid:
            yield from _tree(process, processes)


def _all() -> Iterator[_Process]:
    for directory in _PROC.glob("[0-9]*"):
        try:
            stat = (directory / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = stat.rpartition(")")[2].split()
        yield _Process(int(directory.name), int(fields[1]), sum(map(int, fields[11:15])) / _TICKS)


def _name(pid: int) -> str:
    arguments = (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    for argument in arguments:
        program = Path(argument.split(" ")[0].rstrip(":")).name
        if program in _PROGRAMS:
            return _PROGRAMS[program]
        if program.startswith("services."):
            return program.removeprefix("services.")
    return arguments[0] or str(pid)


def _memory_of(pid: int) -> Memory:
    sizes = {"Rss": 0.0, "Pss": 0.0}
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        lines = []
    for line in lines:
        label, _, value = line.partition(":")
        if label in sizes:
            sizes[label] = int(value.split()[0]) / 1024
    return Memory(sizes["Rss"], sizes["Pss"])
