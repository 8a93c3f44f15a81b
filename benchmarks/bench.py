"""One run of the benchmarks: its options, and fresh systems and peers for each figure."""

import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peer_stack import Answer, Peer
from benchmarks.system import CORE, System, system


@dataclass(frozen=True)
class Bench:
    """What the figures need: sizes, a system of their own each, and the peers to compare with."""

    quick: bool
    publishers: int
    peers: tuple[Peer, ...]

    def size(self, full: int, quick: int) -> int:
        """How many posts."""
        return quick if self.quick else full

    @asynccontextmanager
    async def system(self, services: Sequence[str] = CORE) -> AsyncIterator[System]:
        """A fresh Timeball for one figure."""
        with home() as directory:
            async with system(directory, services) as running:
                yield running

    async def ask_peers(self, mode: str, posts: int, *options: str, own: bool | None = None) -> dict[str, Answer]:
        """What each peer answers, one after another; `own` picks our own peer, or (False) the others."""
        answers = {}
        for peer in self.peers:
            if own in (None, peer.is_own):
                with home() as directory:
                    answers[peer.name] = await peer.run(directory, mode, posts, *options)
        return answers


@contextmanager
def home() -> Iterator[Path]:
    """An empty directory that is gone at the end."""
    with tempfile.TemporaryDirectory(prefix="timeball-bench-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)  # PostgreSQL runs as another user where we are root
        yield directory
