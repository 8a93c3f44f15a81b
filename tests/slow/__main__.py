"""`python -m tests.slow ARGUMENTS` runs pytest with these arguments as on a slow machine; no test may notice."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from deploy.local.child import Child

COMMIT_MS = "20"
BUSY_LOOP = [sys.executable, "-c", "while True: pass"]
STARTUP = Path(__file__).parent / "startup"


def slow_environment() -> dict[str, str]:
    """Ours, and every Python that is started in it commits slowly."""
    return os.environ | {"PYTHONPATH": str(STARTUP), "SLOW_COMMIT_MS": os.environ.get("SLOW_COMMIT_MS", COMMIT_MS)}


def main(arguments: list[str]) -> int:
    """pytest's exit code."""
    with ExitStack() as stack:
        for _ in os.sched_getaffinity(0):
            loop = Child(BUSY_LOOP, os.environ, Path(os.devnull))
            loop.start()
            stack.callback(loop.kill)
        return subprocess.run(
            [sys.executable, "-m", "pytest", *arguments], env=slow_environment(), check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
