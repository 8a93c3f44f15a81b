"""Lateness in steps, each 10 % longer than the one before: any number of posts in a few rows. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

FIRST_MS = 0.1
GROWTH = 1.1


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late posts started to be sent, in milliseconds: at most 10 % above what it was."""

    count: int
    p50: float | None = None
    p99: float | None = None
    worst: float | None = None


def step_of(lateness_ms: float) -> int:
    """The first step that is not below this lateness."""
    if lateness_ms <= FIRST_MS:
        return 0
    return math.ceil(round(math.log(lateness_ms / FIRST_MS, GROWTH), 9))


def length_of(step: int) -> float:
    """The lateness of a step in milliseconds: what is on it is not later."""
    return float(f"{FIRST_MS * GROWTH**step:.3g}")


def summary(posts_by_step: Mapping[int, int]) -> Lateness:
    """Half of the posts, 99 % of them, and all were no later than this."""
    count = sum(posts_by_step.values())
    if not count:
        return Lateness(0)
    return Lateness(count, *(length_of(_step_at(posts_by_step, count, share)) for share in (0.5, 0.99, 1)))


def _step_at(posts_by_step: Mapping[int, int], count: int, share: float) -> int:
    left = math.ceil(count * share)
    for step in sorted(posts_by_step):
        left -= posts_by_step[step]
        if left <= 0:
            return step
    raise AssertionError("the share of a count is never more than it")
