"""`python -m benchmarks`: measure the figures asked for, print a table, keep the numbers as JSON."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import uvloop
from rich.console import Console

from benchmarks import peer_stack, report
from benchmarks.bench import Bench
from benchmarks.broker import IncompleteError
from benchmarks.figure import Result
from benchmarks.figures import FIGURES
from benchmarks.peer_stack import Peer, PeerError
from deploy.local.child import NodeError

_FAILURES = (IncompleteError, NodeError, PeerError, TimeoutError)
_log = Console(stderr=True)


def main() -> int:
    """Measure; 1 where a figure could not be measured."""
    options = _options()
    bench = Bench(quick=options.quick, publishers=options.publishers, peers=_peers(options))
    results = uvloop.run(_measure(bench, options.figures or list(FIGURES)))
    if results:
        report.show(results)
        _log.print(f"written to {report.save(results, quick=options.quick)}")
    return 0 if len(results) == len(options.figures or FIGURES) else 1


async def _measure(bench: Bench, names: Sequence[str]) -> list[Result]:
    results = []
    for name in names:
        _log.print(f"measuring {name} …")
        try:
            results.append(await FIGURES[name](bench))
        except _FAILURES as error:
            _log.print(f"[red]{name} was not measured:[/] {type(error).__name__}: {error}", highlight=False)
    return results


def _peers(options: argparse.Namespace) -> tuple[Peer, ...]:
    if not options.peer:
        return ()
    if not peer_stack.is_available():
        _log.print("node, npm or redis-server is not installed: measuring without the peer")
        return ()
    peer_stack.install()
    own = Peer("peer", peer_stack.PROGRAM)
    return (own, Peer(options.seedstack.stem, options.seedstack)) if options.seedstack else (own,)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("figures", nargs="*", metavar="figure", help=f"{', '.join(FIGURES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="a fifth of the posts or fewer: a smoke test")
    parser.add_argument("--no-peer", dest="peer", action="store_false", help="measure Timeball alone")
    parser.add_argument("--seedstack", type=Path, metavar="PATH", help="another peer program to compare with as well")
    parser.add_argument("--publishers", type=int, default=2, metavar="N", help="publisher processes of the burst (2)")
    options = parser.parse_args()
    if unknown := set(options.figures) - set(FIGURES):
        parser.error(f"unknown figure: {', '.join(sorted(unknown))}; known: {', '.join(FIGURES)}")
    return options


if __name__ == "__main__":
    raise SystemExit(main())
