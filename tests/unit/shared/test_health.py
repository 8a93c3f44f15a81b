"""`/readyz` tells what keeps a service from its work, and answers itself whatever hangs."""

import asyncio
import errno

import pytest

from shared.process import health
from shared.process.health import Health, writing


async def test_a_check_that_hangs_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.05)

    async def hang() -> str | None:
        await asyncio.Event().wait()
        return None

    async def fail() -> str | None:
        raise OSError(errno.ENOSPC, "No space left on device", "/srv/secret")

    problems = await Health("shop", {"database": hang, "outbox": fail}).problems()

    assert problems == {
        "database": "no answer within 0.05 s",
        "outbox": "it cannot be reached: No space left on device",
    }


async def test_checks_are_made_at_once() -> None:
    """One after another, five that hang would keep whoever asks waiting five times as long."""
    all_are_asked = asyncio.Barrier(3)

    async def meet() -> str | None:
        await all_are_asked.wait()
        return None

    assert await Health("shop", {"broker": meet, "database": meet, "outbox": meet}).problems() == {}


async def test_the_database_is_asked_for_a_write_now_and_then_and_at_once_when_it_took_none() -> None:
    writes: list[bool] = []
    takes_none = True

    async def write() -> None:
        writes.append(not takes_none)
        if takes_none:
            raise OSError("read-only")

    check = writing(write)
    for _ in range(2):
        with pytest.raises(OSError, match="read-only"):
            await check()
    takes_none = False
    assert [await check() for _ in range(10)] == [None] * 10

    assert writes == [False, False, True]
