"""In which order files of tests are run, some at a time: those that wait beside those that compute, short ones last."""

from collections.abc import Iterable, Iterator

WAITING = {"tests/acceptance": 60, "tests/integration/scheduler": 25, "tests/integration": 15}
"""Folders whose tests mostly wait, and about how many seconds one of their files takes."""
COMPUTING = {"tests/simulation": 60, "tests/browser": 30}
"""Folders whose tests mostly compute."""


def places(files: Iterable[str]) -> dict[str, float]:
    """Where each file stands in the whole: so much of what waits, or of what computes, comes before it.

    Files of other folders are short, and fill the gaps at the end.
    """
    names = list(files)
    spread = dict(_spread(names, WAITING)) | dict(_spread(names, COMPUTING))
    return {name: spread.get(name, 1.0) for name in names}


def _spread(files: list[str], seconds: dict[str, int]) -> Iterator[tuple[str, float]]:
    """The files of these folders, one folder after the other, at distances from 0 to 1 that follow their times."""
    found = [(file, folder) for file in files for folder in seconds if file.startswith(f"{folder}/")]
    folders = dict(reversed(found))  # of two folders that match, the one named first
    ordered = sorted(folders, key=lambda file: (list(seconds).index(folders[file]), file))
    total, before = sum(seconds[folders[file]] for file in ordered), 0
    for file in ordered:
        yield file, before / total
        before += seconds[folders[file]]
