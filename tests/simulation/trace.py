"""The trace of a run: all that happened, as a hash, and as lines where somebody wants to read it."""

import hashlib
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.simulation.virtual_time import VirtualLoop


@dataclass(eq=False)
class Trace:
    """What happened, as a hash; as lines too where somebody wants to read it."""

    loop: VirtualLoop
    keeps_lines: bool
    lines: list[str] = field(default_factory=list)
    _hash: Any = field(default_factory=hashlib.blake2b)

    def add(self, what: str, *details: object) -> None:
        """Note something."""
        line = f"{self.loop.time():.6f} {what} {' '.join(map(str, details))}"
        self._hash.update(line.encode())
        if self.keeps_lines:
            self.lines.append(line)

    @property
    def digest(self) -> str:
        return str(self._hash.hexdigest()[:32])


def with_place(error: BaseException | None) -> str:
    """An error with the place it comes from."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    return f"{error!r}{place}"
