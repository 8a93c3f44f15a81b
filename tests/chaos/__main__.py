"""The command line: `python -m tests.chaos [--seconds 60] [--seed N] [--posts-per-second 10]`."""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
from pathlib import Path

from deploy.local.postgres_node import PostgresNode
from tests.chaos.run import run


def main() -> int:
    """Run once; the exit status is 1 where something does not hold."""
    given = _arguments()
    for library in ("aio_pika", "aiormq"):  # they tell of each try to reach a broker that is away
        logging.getLogger(library).setLevel(logging.CRITICAL)
    print(f"seed {given.seed}: {given.seconds:g} s")
    with tempfile.TemporaryDirectory(prefix="timeball-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as somebody else
        with PostgresNode(folder / "postgres", durable=False) as postgres:
            wrong = asyncio.run(
                run(
                    folder,
                    postgres,
                    seed=given.seed,
                    seconds=given.seconds,
                    posts_per_second=given.posts_per_second,
                )
            )
    print("\n".join(wrong) or "every post appears once, or is honestly told as unknown; nothing stands in a queue")
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long things happen")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="decides what happens, and when")
    parser.add_argument("--posts-per-second", type=float, default=10)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
