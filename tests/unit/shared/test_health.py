"""`/readyz` tells what keeps a service from its work, and answers itself whatever hangs."""

import asyncio
import errno

import httpx
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


async def test_metrics_say_which_checks_fail_and_not_why() -> None:
    async def fail() -> str | None:
        return "the secret server does not answer"

    async def hold() -> str | None:
        return None

    application = Health("shop", {"broker": fail, "database": hold}).application()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop") as client:
        told = (await client.get("/metrics")).text

    assert 'timeball_check_failed{check="broker"} 1.0' in told
    assert 'timeball_check_failed{check="database"} 0.0' in told
    assert "secret" not in told


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
