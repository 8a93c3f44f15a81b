"""The figures, one a module, by the name they are asked for."""

from collections.abc import Awaitable, Callable, Mapping

from benchmarks.bench import Bench
from benchmarks.figure import Result
from benchmarks.figures.bulk import bulk
from benchmarks.figures.burst import burst
from benchmarks.figures.console import console
from benchmarks.figures.curve import curve
from benchmarks.figures.isolation import isolation
from benchmarks.figures.lateness import lateness
from benchmarks.figures.lateness_loaded import lateness_loaded
from benchmarks.figures.matching import matching
from benchmarks.figures.memory import memory
from benchmarks.figures.onset import onset
from benchmarks.figures.overdue import overdue
from benchmarks.figures.pictures import pictures
from benchmarks.figures.purge import purge
from benchmarks.figures.single import single

FIGURES: Mapping[str, Callable[[Bench], Awaitable[Result]]] = {
    figure.__name__: figure
    for figure in (
        lateness,
        burst,
        curve,
        overdue,
        bulk,
        single,
        memory,
        lateness_loaded,
        isolation,
        onset,
        purge,
        matching,
        pictures,
        console,
    )
}
