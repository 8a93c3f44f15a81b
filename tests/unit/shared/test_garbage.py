"""Garbage is collected while there is nothing else to do."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from shared.process.garbage import WORTH_COLLECTING, collect_when_idle
from tests.support.waiting import eventually


class Ring:
    """Something that only the collector can find, as a lost connection is."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def collected_seldom() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(10 * WORTH_COLLECTING, 20, 100)
    yield
    gc.set_threshold(*before)


async def test_rings_are_collected_as_soon_as_nobody_waits() -> None:
    looks, is_busy = 0, True

    def is_idle() -> bool:
        nonlocal looks
        looks += 1
        return not is_busy

    rings = [weakref.ref(Ring()) for _ in range(WORTH_COLLECTING + 1)]
    collecting = asyncio.create_task(collect_when_idle(is_idle, look_seconds=0.01))
    await eventually(lambda: looks > 1)
    assert rings[-1]() is not None

    is_busy = False
    await eventually(lambda: all(ring() is None for ring in rings))
    collecting.cancel()
