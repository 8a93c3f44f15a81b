"""The posts of a file, in parts that fit into one request each. Pure."""

from collections.abc import Iterable, Iterator

from services.console.imports.lines import Line

MOST_IN_A_BATCH = 500
MOST_CHARACTERS = 2_000_000


def batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines in groups that fit into one request."""
    batch: list[Line] = []
    characters = 0
    for line in lines:
        size = len(str(line.post))
        if batch and (len(batch) == MOST_IN_A_BATCH or characters + size > MOST_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(line)
        characters += size
    if batch:
        yield batch
