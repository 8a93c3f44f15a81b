"""Limits are kept, and used."""

from collections import defaultdict
from collections.abc import Mapping
from itertools import pairwise

from tests.simulation.invariants.run import MOMENT, Run, Violations
from tests.simulation.networks import Entry

ROOM_IS_USED = 0.8
STARTS_WITHIN = 5.0
PASSED_BY = 1.0
"""Seconds by which a post may be passed by one of another replica, where a slow commit made it miss its start."""
KNOWN_FOR = 12.0
"""Seconds after which a post has come to the publisher, whatever it had to wait for on its way."""


def no_window_above_its_limit(run: Run) -> Violations:
    """No stretch of a second, a minute or a day holds more requests of an account than its limit."""
    lengths = {"per_second": 1.0, "per_minute": 60.0, "per_day": 86400.0}
    for account_id, left in _departures(run).items():
        for name, most in (run.world.scenario.limits or {}).items():
            for first, last in zip(left, left[most:], strict=False):
                if last - first < lengths[name] - MOMENT:
                    yield f"{account_id}: {most + 1} requests within {last - first:.3f} s, allowed are {most} {name}"
                    break


def due_order_kept(run: Run) -> Violations:
    """The posts of a limited account leave in the order in which they are due."""
    if not run.world.scenario.limits or run.world.scenario.crashes:
        return
    by_account: dict[str, list[Entry]] = defaultdict(list)
    for entry in run.world.internet.ledger:
        by_account[entry.account_id].append(entry)
    for entries in by_account.values():
        for first, second in pairwise(entries):
            ahead = run.wish_of(first).due - run.wish_of(second).due
            is_known = run.wish_of(second).asked_at < first.left_at - KNOWN_FOR
            if ahead > 0.5 and is_known and first.left_at < second.left_at - PASSED_BY:
                yield f"{second.content!r} left after {first.content!r}, but was due {ahead:.2f} s earlier"
                break


def limits_are_used(run: Run) -> Violations:
    """While posts wait and a limit has room, they leave at four fifths of the rate or more."""
    limits = run.world.scenario.limits
    if not limits or "per_second" not in limits or run.world.scenario.ahead[1] > 0:
        return
    latency = run.world.scenario.commit_seconds[1]
    for account_id, left in _departures(run).items():
        fastest = len(left) / limits["per_second"]
        allowed = fastest / ROOM_IS_USED + STARTS_WITHIN + 4 * latency
        took = left[-1] - run.user.starts_at
        if took > allowed:
            yield f"{account_id}: {len(left)} posts took {took:.1f} s; {allowed:.1f} would be slow"


def _departures(run: Run) -> Mapping[str, list[float]]:
    left: dict[str, list[float]] = defaultdict(list)
    for entry in run.world.internet.ledger:
        left[entry.account_id].append(entry.left_at)
    return left
