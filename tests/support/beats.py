"""A timer that ticks every second, and what must be heard of it."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from tests.support.bus import Bus
from tests.support.waiting import eventually

BEAT = "beat"
EVERY_SECOND = json.dumps({BEAT: "* * * * * *"})
SECOND = timedelta(seconds=1)


def beats(bus: Bus) -> list[tuple[datetime, int]]:
    """The ticks heard, each with how many before it were missed."""
    facts = bus.heard("timer.fired", timer=BEAT, manual=False)
    return sorted((datetime.fromisoformat(fact.body["tick_at"]), fact.body["missed"]) for fact in facts)


async def beat_once_each_second(bus: Bus, *, until: datetime) -> None:
    """Return once every second from the first tick to an instant has been told; AssertionError for one told twice."""
    await eventually(lambda: _is_whole(sorted(set(beats(bus))), until), what="every second has been told")
    ticks = [tick_at for tick_at, _ in beats(bus)]
    assert len(ticks) == len(set(ticks)), "a tick was told twice"


def _is_whole(heard: Sequence[tuple[datetime, int]], until: datetime) -> bool:
    """Whether each tick, with those it missed, begins where the one before it ended."""
    gaps = [later - missed * SECOND - earlier for (earlier, _), (later, missed) in pairwise(heard)]
    return bool(heard) and heard[-1][0] >= until and all(gap == SECOND for gap in gaps)
